-- Refunds and disputes booked as the objects they are; texts, merges and stops that are stated as they happened.

-- A CRM keeps one contact per e-mail address: the lead that is written with it. Others with the address are written without.
CREATE TABLE "crm_addresses" (
	"vendor" text NOT NULL,
	"account_id" text NOT NULL,
	"email_hash" text NOT NULL,
	"lead_id" uuid NOT NULL,
	"person" text NOT NULL,
	CONSTRAINT "crm_addresses_vendor_account_id_email_hash_pk" PRIMARY KEY("vendor","account_id","email_hash")
);--> statement-breakpoint
-- A contact that several earlier leads became shows the one that was written last.
INSERT INTO "crm_addresses" ("vendor", "account_id", "email_hash", "lead_id", "person")
SELECT DISTINCT ON (k.vendor, k.account_id, l.email_hash) k.vendor, k.account_id, l.email_hash, l.id, coalesce(l.phone_hash, l.id::text)
FROM "lead_syncs" s JOIN "crm_connections" k ON k.id = s.connection_id JOIN "leads" l ON l.id = s.lead_id
WHERE s.contact_id IS NOT NULL AND l.email_hash IS NOT NULL
ORDER BY k.vendor, k.account_id, l.email_hash, s.updated_at DESC;--> statement-breakpoint
-- What people should know of a lead that is in the CRM.
ALTER TABLE "lead_syncs" ADD COLUMN "remark" text;
