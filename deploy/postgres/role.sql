-- The application's role. Run once, when the server's folder is made, before `keyledger migrate` gives it its grants.
\getenv password APP_PASSWORD
CREATE ROLE keyledger_app LOGIN PASSWORD :'password';
