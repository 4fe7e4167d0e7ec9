CREATE TABLE "lead_unlocks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"lead_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"buyer_id" uuid NOT NULL,
	"our_number" text NOT NULL,
	"phone" text NOT NULL,
	"status" text NOT NULL,
	"reason" text,
	"price_minor" integer NOT NULL,
	"currency" text NOT NULL,
	"ttl_expires_at" timestamp with time zone NOT NULL,
	"token_hash" text,
	"token_version" integer DEFAULT 1 NOT NULL,
	"offered_at" timestamp with time zone,
	"teased_at" timestamp with time zone,
	"confirmed_at" timestamp with time zone,
	"link_sent_at" timestamp with time zone,
	"paid_at" timestamp with time zone,
	"paid_late" boolean DEFAULT false NOT NULL,
	"revealed_at" timestamp with time zone,
	"viewed_at" timestamp with time zone,
	"done_at" timestamp with time zone,
	"closed_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "lead_unlocks_status" CHECK ("lead_unlocks"."status" in ('NEW_LEAD', 'TEASER_SENT', 'AWAIT_CONFIRM', 'CHECK_EXISTING_PAYMENT', 'CREATE_PAYMENT_LINK', 'PAYMENT_LINK_SENT', 'AWAITING_PAYMENT', 'PAID', 'REVEAL_DETAILS_SENT', 'DONE', 'EXPIRED', 'OPTED_OUT')),
	CONSTRAINT "lead_unlocks_price" CHECK ("lead_unlocks"."price_minor" between 50 and 1000000),
	CONSTRAINT "lead_unlocks_paid" CHECK ("lead_unlocks"."status" not in ('PAID', 'REVEAL_DETAILS_SENT', 'DONE') or "lead_unlocks"."paid_at" is not null),
	CONSTRAINT "lead_unlocks_revealed" CHECK ("lead_unlocks"."revealed_at" is null or "lead_unlocks"."paid_at" is not null),
	CONSTRAINT "lead_unlocks_closed" CHECK (("lead_unlocks"."status" in ('EXPIRED', 'OPTED_OUT')) <= ("lead_unlocks"."reason" is not null and "lead_unlocks"."closed_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "leads" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"public_id" text NOT NULL,
	"city" text,
	"service_type" text,
	"region" text,
	"quality" text,
	"campaign_id" uuid,
	"category_id" uuid,
	"supplier_id" uuid,
	"public" jsonb NOT NULL,
	"contact" text,
	"phone_hash" text,
	"email_hash" text,
	"phone_valid" boolean NOT NULL,
	"price_minor" integer NOT NULL,
	"currency" text NOT NULL,
	"ttl_ms" bigint NOT NULL,
	"max_sales" integer,
	"erased_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "leads_price" CHECK ("leads"."price_minor" between 50 and 1000000),
	CONSTRAINT "leads_max_sales" CHECK ("leads"."max_sales" is null or "leads"."max_sales" > 0)
);
--> statement-breakpoint
CREATE TABLE "sold_slots" (
	"lead_id" uuid NOT NULL,
	"slot" integer NOT NULL,
	"unlock_id" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sold_slots_lead_id_slot_pk" PRIMARY KEY("lead_id","slot"),
	CONSTRAINT "sold_slots_unlock_id_unique" UNIQUE("unlock_id")
);
--> statement-breakpoint
CREATE TABLE "api_keys" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid,
	"owner" text NOT NULL,
	"name" text NOT NULL,
	"prefix" text NOT NULL,
	"hash" text NOT NULL,
	"scopes" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_keys_hash_unique" UNIQUE("hash"),
	CONSTRAINT "api_keys_owner" CHECK ("api_keys"."owner" in ('organization', 'supplier', 'operator')),
	CONSTRAINT "api_keys_owned" CHECK ("api_keys"."owner" = 'operator' or "api_keys"."organization_id" is not null)
);
--> statement-breakpoint
CREATE TABLE "buyers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"external_id" text NOT NULL,
	"name" text,
	"phone" text NOT NULL,
	"email" text,
	"language" text,
	"active" text DEFAULT 'active' NOT NULL,
	"flagged_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "buyers_active" CHECK ("buyers"."active" in ('active', 'inactive')),
	CONSTRAINT "buyers_phone_e164" CHECK ("buyers"."phone" ~ '^\+[1-9][0-9]{6,14}$')
);
--> statement-breakpoint
CREATE TABLE "organizations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"number" integer GENERATED ALWAYS AS IDENTITY (sequence name "organizations_number_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"slug" text NOT NULL,
	"footer" text NOT NULL,
	"language" text DEFAULT 'en' NOT NULL,
	"support_contact" text NOT NULL,
	"sms_per_day" integer DEFAULT 10000 NOT NULL,
	"sms_per_number_hour" integer DEFAULT 20 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "organizations_number_unique" UNIQUE("number"),
	CONSTRAINT "organizations_slug_unique" UNIQUE("slug")
);
--> statement-breakpoint
CREATE TABLE "phones" (
	"id" uuid PRIMARY KEY NOT NULL,
	"our_number" text NOT NULL,
	"number" text NOT NULL,
	"opted_out_at" timestamp with time zone,
	"bad_number_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sms_counters" (
	"organization_id" uuid NOT NULL,
	"day" text NOT NULL,
	"shard" integer NOT NULL,
	"sent" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "checkout_sessions" (
	"unlock_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"id" text,
	"state" text NOT NULL,
	"url" text,
	"expires_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"closed_at" timestamp with time zone,
	CONSTRAINT "checkout_sessions_id_unique" UNIQUE("id"),
	CONSTRAINT "checkout_sessions_state" CHECK ("checkout_sessions"."state" in ('creating', 'open', 'complete', 'expired'))
);
--> statement-breakpoint
CREATE TABLE "journal_entries" (
	"journal_id" uuid NOT NULL,
	"account" text NOT NULL,
	"amount_minor" bigint NOT NULL,
	"currency" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "journals" (
	"id" uuid PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"organization_id" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "journals_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "payments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"unlock_id" uuid NOT NULL,
	"payment_intent" text NOT NULL,
	"session_id" text NOT NULL,
	"amount_minor" integer NOT NULL,
	"refunded_minor" integer DEFAULT 0 NOT NULL,
	"currency" text NOT NULL,
	"kept" boolean NOT NULL,
	"refund_reason" text,
	"disputed_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "payments_payment_intent_unique" UNIQUE("payment_intent"),
	CONSTRAINT "payments_amount" CHECK ("payments"."amount_minor" > 0 and "payments"."refunded_minor" between 0 and "payments"."amount_minor")
);
--> statement-breakpoint
CREATE TABLE "alerts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"kind" text NOT NULL,
	"organization_id" uuid,
	"subject" text NOT NULL,
	"text" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"resolved_at" timestamp with time zone,
	CONSTRAINT "alerts_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "attempts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"outbox_id" bigint NOT NULL,
	"event_id" uuid NOT NULL,
	"worker" text NOT NULL,
	"subject" text NOT NULL,
	"effect_key" text,
	"started_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone,
	"outcome" text,
	"detail" text
);
--> statement-breakpoint
CREATE TABLE "effects" (
	"key" text PRIMARY KEY NOT NULL,
	"id" uuid NOT NULL,
	"vendor" text NOT NULL,
	"kind" text NOT NULL,
	"organization_id" uuid,
	"unlock_id" uuid,
	"state" text NOT NULL,
	"fence" uuid NOT NULL,
	"lease_until" timestamp with time zone NOT NULL,
	"posts" integer DEFAULT 1 NOT NULL,
	"vendor_id" text,
	"result" jsonb,
	"error_code" text,
	"claimed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"missing_since" timestamp with time zone,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "effects_id_unique" UNIQUE("id"),
	CONSTRAINT "effects_state" CHECK ("effects"."state" in ('claimed', 'released', 'accepted', 'refused', 'unknown'))
);
--> statement-breakpoint
CREATE TABLE "events" (
	"id" uuid NOT NULL,
	"occurred_at" timestamp with time zone NOT NULL,
	"type" text NOT NULL,
	"version" integer NOT NULL,
	"organization_id" uuid,
	"subject" text NOT NULL,
	"correlation_id" uuid NOT NULL,
	"causation_id" uuid,
	"data" jsonb NOT NULL,
	CONSTRAINT "events_id_occurred_at_pk" PRIMARY KEY("id","occurred_at")
) PARTITION BY RANGE ("occurred_at");
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"organization_id" uuid NOT NULL,
	"key" text NOT NULL,
	"route" text NOT NULL,
	"request_hash" text NOT NULL,
	"status" integer NOT NULL,
	"answer" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_organization_id_key_pk" PRIMARY KEY("organization_id","key")
);
--> statement-breakpoint
CREATE TABLE "inbox" (
	"id" uuid PRIMARY KEY NOT NULL,
	"source" text NOT NULL,
	"external_id" text NOT NULL,
	"kind" text NOT NULL,
	"organization_id" uuid,
	"unlock_id" uuid,
	"phone_id" uuid,
	"sender" text,
	"body" text,
	"intent" text,
	"needs_operator" boolean DEFAULT false NOT NULL,
	"handled_at" timestamp with time zone,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "messages" (
	"id" uuid NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"organization_id" uuid,
	"unlock_id" uuid,
	"buyer_id" uuid,
	"phone_id" uuid,
	"recipient_kind" text NOT NULL,
	"channel" text NOT NULL,
	"purpose" text NOT NULL,
	"recipient" text,
	"body" text,
	"status" text NOT NULL,
	"vendor_id" text,
	"error_code" text,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "messages_id_created_at_pk" PRIMARY KEY("id","created_at"),
	CONSTRAINT "messages_status" CHECK ("messages"."status" in ('posting', 'queued', 'sent', 'delivered', 'failed'))
) PARTITION BY RANGE ("created_at");
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"event_id" uuid NOT NULL,
	"event_at" timestamp with time zone NOT NULL,
	"worker" text NOT NULL,
	"organization_id" uuid,
	"epoch" integer DEFAULT 0 NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	"queued" boolean NOT NULL,
	"visits" integer DEFAULT 0 NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"parked_at" timestamp with time zone,
	"last_error" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "lead_unlocks" ADD CONSTRAINT "lead_unlocks_lead_id_leads_id_fk" FOREIGN KEY ("lead_id") REFERENCES "public"."leads"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lead_unlocks" ADD CONSTRAINT "lead_unlocks_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lead_unlocks" ADD CONSTRAINT "lead_unlocks_buyer_id_buyers_id_fk" FOREIGN KEY ("buyer_id") REFERENCES "public"."buyers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "leads" ADD CONSTRAINT "leads_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sold_slots" ADD CONSTRAINT "sold_slots_lead_id_leads_id_fk" FOREIGN KEY ("lead_id") REFERENCES "public"."leads"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sold_slots" ADD CONSTRAINT "sold_slots_unlock_id_lead_unlocks_id_fk" FOREIGN KEY ("unlock_id") REFERENCES "public"."lead_unlocks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "buyers" ADD CONSTRAINT "buyers_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "checkout_sessions" ADD CONSTRAINT "checkout_sessions_unlock_id_lead_unlocks_id_fk" FOREIGN KEY ("unlock_id") REFERENCES "public"."lead_unlocks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "journal_entries" ADD CONSTRAINT "journal_entries_journal_id_journals_id_fk" FOREIGN KEY ("journal_id") REFERENCES "public"."journals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "journals" ADD CONSTRAINT "journals_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_unlock_id_lead_unlocks_id_fk" FOREIGN KEY ("unlock_id") REFERENCES "public"."lead_unlocks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "lead_unlocks_once" ON "lead_unlocks" USING btree ("lead_id","buyer_id");--> statement-breakpoint
CREATE UNIQUE INDEX "lead_unlocks_token" ON "lead_unlocks" USING btree ("token_hash");--> statement-breakpoint
CREATE INDEX "lead_unlocks_newest" ON "lead_unlocks" USING btree ("organization_id","created_at","id");--> statement-breakpoint
CREATE INDEX "lead_unlocks_conversation" ON "lead_unlocks" USING btree ("our_number","phone","created_at");--> statement-breakpoint
CREATE INDEX "lead_unlocks_open" ON "lead_unlocks" USING btree ("our_number","phone") WHERE status in ('NEW_LEAD', 'TEASER_SENT', 'AWAIT_CONFIRM', 'CHECK_EXISTING_PAYMENT', 'CREATE_PAYMENT_LINK', 'PAYMENT_LINK_SENT', 'AWAITING_PAYMENT');--> statement-breakpoint
CREATE UNIQUE INDEX "leads_public_id" ON "leads" USING btree ("organization_id","public_id");--> statement-breakpoint
CREATE INDEX "leads_newest" ON "leads" USING btree ("organization_id","created_at","id");--> statement-breakpoint
CREATE INDEX "leads_phone_hash" ON "leads" USING btree ("organization_id","phone_hash");--> statement-breakpoint
CREATE INDEX "api_keys_organization" ON "api_keys" USING btree ("organization_id");--> statement-breakpoint
CREATE UNIQUE INDEX "buyers_external_id" ON "buyers" USING btree ("organization_id","external_id");--> statement-breakpoint
CREATE INDEX "buyers_phone" ON "buyers" USING btree ("phone");--> statement-breakpoint
CREATE UNIQUE INDEX "phones_conversation" ON "phones" USING btree ("our_number","number");--> statement-breakpoint
CREATE UNIQUE INDEX "sms_counters_shard" ON "sms_counters" USING btree ("organization_id","day","shard");--> statement-breakpoint
CREATE UNIQUE INDEX "checkout_sessions_number" ON "checkout_sessions" USING btree ("unlock_id","number");--> statement-breakpoint
CREATE UNIQUE INDEX "checkout_sessions_one_open" ON "checkout_sessions" USING btree ("unlock_id") WHERE state in ('creating', 'open');--> statement-breakpoint
CREATE INDEX "journal_entries_journal" ON "journal_entries" USING btree ("journal_id");--> statement-breakpoint
CREATE INDEX "journal_entries_account" ON "journal_entries" USING btree ("account");--> statement-breakpoint
CREATE UNIQUE INDEX "payments_one_kept" ON "payments" USING btree ("unlock_id") WHERE kept;--> statement-breakpoint
CREATE INDEX "payments_unlock" ON "payments" USING btree ("unlock_id");--> statement-breakpoint
CREATE INDEX "alerts_open" ON "alerts" USING btree ("created_at") WHERE resolved_at is null;--> statement-breakpoint
CREATE INDEX "attempts_subject" ON "attempts" USING btree ("subject","started_at");--> statement-breakpoint
CREATE INDEX "attempts_started" ON "attempts" USING btree ("started_at");--> statement-breakpoint
CREATE INDEX "effects_unlock" ON "effects" USING btree ("unlock_id");--> statement-breakpoint
CREATE INDEX "effects_vendor_id" ON "effects" USING btree ("vendor","vendor_id");--> statement-breakpoint
CREATE INDEX "events_subject" ON "events" USING btree ("subject","occurred_at");--> statement-breakpoint
CREATE INDEX "idempotency_keys_age" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "inbox_once" ON "inbox" USING btree ("source","external_id");--> statement-breakpoint
CREATE INDEX "inbox_attention" ON "inbox" USING btree ("received_at") WHERE needs_operator and handled_at is null;--> statement-breakpoint
CREATE INDEX "inbox_received" ON "inbox" USING btree ("received_at");--> statement-breakpoint
CREATE INDEX "inbox_phone" ON "inbox" USING btree ("phone_id","received_at");--> statement-breakpoint
CREATE INDEX "messages_unlock" ON "messages" USING btree ("unlock_id");--> statement-breakpoint
CREATE INDEX "messages_phone" ON "messages" USING btree ("phone_id","created_at");--> statement-breakpoint
CREATE INDEX "messages_vendor" ON "messages" USING btree ("vendor_id");--> statement-breakpoint
CREATE INDEX "outbox_due" ON "outbox" USING btree ("worker","due_at") WHERE queued and parked_at is null;--> statement-breakpoint
CREATE INDEX "outbox_waiting" ON "outbox" USING btree ("worker","organization_id","due_at") WHERE not queued and parked_at is null;--> statement-breakpoint
CREATE INDEX "outbox_parked" ON "outbox" USING btree ("parked_at") WHERE parked_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "outbox_once" ON "outbox" USING btree ("event_id","worker");--> statement-breakpoint
-- Below: what drizzle-kit cannot say.

-- A month's partition of events and messages, made ahead of time (db/retention.ts calls this daily). The default
-- partition catches rows whose month is missing, so that a forgotten call never refuses a lead.
CREATE FUNCTION ensure_partitions(from_day date, months integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	parent text;
	starts date;
	part text;
BEGIN
	PERFORM pg_advisory_xact_lock(7203111);
	FOREACH parent IN ARRAY ARRAY['events', 'messages'] LOOP
		FOR i IN 0..months LOOP
			starts := (date_trunc('month', from_day) + make_interval(months => i))::date;
			part := parent || '_' || to_char(starts, 'YYYY_MM');
			IF to_regclass(part) IS NULL THEN
				EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, parent,
					starts::timestamp AT TIME ZONE 'UTC', (starts + interval '1 month')::timestamp AT TIME ZONE 'UTC');
			END IF;
		END LOOP;
	END LOOP;
END $$;--> statement-breakpoint
CREATE TABLE "events_default" PARTITION OF "events" DEFAULT;--> statement-breakpoint
CREATE TABLE "messages_default" PARTITION OF "messages" DEFAULT;--> statement-breakpoint
SELECT ensure_partitions((now() AT TIME ZONE 'UTC')::date, 3);--> statement-breakpoint
-- The audit trail is written once. Retention drops whole partitions, which no row trigger sees.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;--> statement-breakpoint
CREATE TRIGGER "events_append_only" BEFORE UPDATE OR DELETE ON "events" FOR EACH ROW EXECUTE FUNCTION refuse_change();--> statement-breakpoint
CREATE TRIGGER "journal_entries_append_only" BEFORE UPDATE OR DELETE ON "journal_entries" FOR EACH ROW EXECUTE FUNCTION refuse_change();--> statement-breakpoint
-- Every booking sums to zero per currency when its transaction commits.
CREATE FUNCTION journal_sums_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM journal_entries WHERE journal_id = NEW.journal_id GROUP BY currency HAVING sum(amount_minor) <> 0) THEN
		RAISE EXCEPTION 'journal % does not sum to zero', NEW.journal_id USING ERRCODE = 'check_violation';
	END IF;
	RETURN NULL;
END $$;--> statement-breakpoint
CREATE CONSTRAINT TRIGGER "journal_entries_balance" AFTER INSERT ON "journal_entries" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal_sums_to_zero();--> statement-breakpoint
-- The timeline of an unlock: one row per move.
CREATE VIEW "unlock_history" AS
	SELECT id AS event_id, occurred_at, organization_id, subject AS unlock_id, data->>'from' AS from_status,
		data->>'to' AS to_status, data->>'reason' AS reason, correlation_id, causation_id
	FROM events WHERE type = 'unlock.moved';--> statement-breakpoint
-- A queue's rows come and go: keep vacuum close behind.
ALTER TABLE "outbox" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200, fillfactor = 70);--> statement-breakpoint
ALTER TABLE "effects" SET (fillfactor = 80);--> statement-breakpoint
ALTER TABLE "lead_unlocks" SET (fillfactor = 80);
