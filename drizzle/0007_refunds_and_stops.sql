-- Refunds and disputes booked as the objects they are; texts, merges and stops that are stated as they happened.
-- Imports: how a file was read when it was uploaded, which every later run repeats. Null in older imports.
ALTER TABLE "imports" ADD COLUMN "read_as" jsonb;
