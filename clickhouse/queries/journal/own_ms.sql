-- The instant in a row's own id: by it the gateway's own expiry goes.
arrayMap(number -> {{at_ms}}, [if(kind = 'model', {{own_id}}, number)])[1]
