"use strict";

// To read, not to call: an admin token does not belong in a browser.
const nothing = () => () => null;
const reading = () => ({ wrapComponents: { authorizeBtn: nothing, authorizeOperationBtn: nothing } });

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  plugins: [reading],
  supportedSubmitMethods: [],
  validatorUrl: null,
});
