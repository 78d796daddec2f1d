-- The application's role. It runs once, when the server's folder is created; `keyledger migrate` grants rights later.
\getenv password APP_PASSWORD
CREATE ROLE keyledger_app LOGIN PASSWORD :'password';
