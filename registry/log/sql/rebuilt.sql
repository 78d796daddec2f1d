-- Count that rows of states were rebuilt without an event.
UPDATE keyledger.state_rebuild
SET count = count + 1
