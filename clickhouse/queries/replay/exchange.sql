EXCHANGE TABLES {{database}}.{{table}} AND {{target}}.{{table}}{{on_cluster}}
