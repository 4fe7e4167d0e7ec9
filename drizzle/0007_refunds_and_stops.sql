-- Refunds and disputes booked as the objects they are; texts, merges and stops that are stated as they happened.

-- Leads that an import stored with a warning, by field: an address that was left out, a number that cannot be texted.
ALTER TABLE "imports" ADD COLUMN "warnings" jsonb DEFAULT '{}'::jsonb NOT NULL;
