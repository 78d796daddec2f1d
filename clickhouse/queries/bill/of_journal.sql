-- The complete anchors of a journal that the log had at a position.
source = {source:String}
    AND journal = {journal:UUID}
    AND part = parts
    AND position <= {anchored_by:UInt64}
