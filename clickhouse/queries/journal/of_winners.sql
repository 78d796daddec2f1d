LEFT JOIN ({{shared_winners}}) AS s ON s.id = r.id
WHERE kind != 'model'
    OR s.winner = 0
    OR s.winner = number
