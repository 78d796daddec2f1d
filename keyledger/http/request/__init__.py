"""What a request brings, read strictly: body, query, headers, and whether its caller still waits."""
