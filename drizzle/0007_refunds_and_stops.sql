-- Refunds and disputes booked as the objects they are; texts, merges and stops that are stated as they happened.

-- Alerts and workers as people see them: what the title of an alert says, and a heartbeat of every process with workers.
ALTER TABLE "alerts" ADD COLUMN "details" jsonb;--> statement-breakpoint
-- Their amounts have no currency, so what is known is said.
UPDATE "alerts" SET "text" = 'A part or all of the payment went back to the buyer.' WHERE "kind" = 'payment_refunded' AND "resolved_at" IS NULL;--> statement-breakpoint
CREATE TABLE "worker_processes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"host" text NOT NULL,
	"workers" jsonb NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL
);--> statement-breakpoint
CREATE INDEX "worker_processes_seen" ON "worker_processes" USING btree ("seen_at");
