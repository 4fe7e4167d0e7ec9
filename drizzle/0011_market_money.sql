CREATE TABLE "campaign_turns" (
	"campaign_id" uuid PRIMARY KEY NOT NULL,
	"run" bigint DEFAULT 0 NOT NULL,
	"eligible" text DEFAULT '' NOT NULL,
	"due_at" timestamp with time zone,
	"draining" boolean DEFAULT false NOT NULL,
	"last_received_at" timestamp with time zone,
	"last_lead_id" uuid
);
--> statement-breakpoint
CREATE TABLE "decisions" (
	"lead_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"organization_id" uuid NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"considered" jsonb NOT NULL,
	CONSTRAINT "decisions_lead_id_number_pk" PRIMARY KEY("lead_id","number")
);
--> statement-breakpoint
CREATE TABLE "distributions" (
	"lead_id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"campaign_id" uuid NOT NULL,
	"status" text NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"distributed_at" timestamp with time zone,
	"waited_until" timestamp with time zone,
	CONSTRAINT "distributions_status" CHECK ("distributions"."status" in ('PENDING', 'DISTRIBUTED', 'EXPIRED', 'REJECTED', 'TEST')),
	CONSTRAINT "distributions_sold" CHECK (("distributions"."status" = 'DISTRIBUTED') = ("distributions"."distributed_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "recent_ingests" (
	"supplier_id" uuid NOT NULL,
	"hash" text NOT NULL,
	"lead_id" uuid NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "recent_ingests_supplier_id_hash_pk" PRIMARY KEY("supplier_id","hash")
);
--> statement-breakpoint
CREATE TABLE "bought_people" (
	"buyer_id" uuid NOT NULL,
	"campaign_id" uuid NOT NULL,
	"hash" text NOT NULL,
	"lead_id" uuid NOT NULL,
	"bought_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "bought_people_campaign_id_hash_buyer_id_pk" PRIMARY KEY("campaign_id","hash","buyer_id")
);
--> statement-breakpoint
CREATE TABLE "payment_methods" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"buyer_id" uuid NOT NULL,
	"stripe_id" text NOT NULL,
	"brand" text NOT NULL,
	"last4" text NOT NULL,
	"exp_month" integer NOT NULL,
	"exp_year" integer NOT NULL,
	"fingerprint" text,
	"is_primary" boolean NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"removed_at" timestamp with time zone,
	CONSTRAINT "payment_methods_stripe_id_unique" UNIQUE("stripe_id"),
	CONSTRAINT "payment_methods_last4" CHECK ("payment_methods"."last4" ~ '^[0-9]{4}$')
);
--> statement-breakpoint
CREATE TABLE "top_ups" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"buyer_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"state" text NOT NULL,
	"amount_minor" bigint NOT NULL,
	"currency" text NOT NULL,
	"payment_method_id" uuid,
	"payment_intent" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone,
	"decline_code" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	CONSTRAINT "top_ups_kind" CHECK ("top_ups"."kind" in ('checkout', 'card', 'recharge')),
	CONSTRAINT "top_ups_state" CHECK ("top_ups"."state" in ('open', 'needs_action', 'retrying', 'paid', 'failed', 'canceled')),
	CONSTRAINT "top_ups_ended" CHECK (("top_ups"."state" in ('open', 'needs_action', 'retrying')) = ("top_ups"."ended_at" is null)),
	CONSTRAINT "top_ups_amount" CHECK ("top_ups"."amount_minor" between 50 and 99999999),
	CONSTRAINT "top_ups_attempts" CHECK ("top_ups"."attempts" between 0 and 4)
);
--> statement-breakpoint
CREATE TABLE "wallet_transactions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"buyer_id" uuid NOT NULL,
	"type" text NOT NULL,
	"amount_minor" bigint NOT NULL,
	"balance_before_minor" bigint NOT NULL,
	"balance_after_minor" bigint NOT NULL,
	"description" text NOT NULL,
	"unlock_id" uuid,
	"payment_intent" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "wallet_transactions_type" CHECK ("wallet_transactions"."type" in ('CREDIT', 'DEBIT', 'REFUND', 'AUTO_RECHARGE')),
	CONSTRAINT "wallet_transactions_sum" CHECK ("wallet_transactions"."balance_before_minor" + "wallet_transactions"."amount_minor" = "wallet_transactions"."balance_after_minor" and "wallet_transactions"."amount_minor" <> 0),
	CONSTRAINT "wallet_transactions_sale" CHECK ("wallet_transactions"."type" <> 'DEBIT' or "wallet_transactions"."unlock_id" is not null or "wallet_transactions"."payment_intent" is not null)
);
--> statement-breakpoint
CREATE TABLE "wallets" (
	"buyer_id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"currency" text NOT NULL,
	"balance_minor" bigint DEFAULT 0 NOT NULL,
	"disputed_minor" bigint DEFAULT 0 NOT NULL,
	"debt_minor" bigint DEFAULT 0 NOT NULL,
	"week" date,
	"week_spent_minor" bigint DEFAULT 0 NOT NULL,
	"month" date,
	"month_spent_minor" bigint DEFAULT 0 NOT NULL,
	"customer_id" text,
	"recharge_stopped_at" timestamp with time zone,
	"recharge_stop_reason" text,
	"low_told_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "wallets_customer_id_unique" UNIQUE("customer_id"),
	CONSTRAINT "wallets_balance" CHECK ("wallets"."debt_minor" >= 0 and "wallets"."balance_minor" >= -"wallets"."debt_minor"),
	CONSTRAINT "wallets_sums" CHECK ("wallets"."disputed_minor" >= 0 and "wallets"."week_spent_minor" >= 0 and "wallets"."month_spent_minor" >= 0)
);
--> statement-breakpoint
ALTER TABLE "lead_unlocks" DROP CONSTRAINT "lead_unlocks_price";--> statement-breakpoint
ALTER TABLE "campaigns" ADD COLUMN "repeat_window_days" integer DEFAULT 30 NOT NULL;--> statement-breakpoint
ALTER TABLE "payments" ADD COLUMN "reserved_minor" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "pass" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "day" date;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "day_count" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "run" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "run_count" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "buyers" ADD COLUMN "time_zone" text;--> statement-breakpoint
ALTER TABLE "campaign_turns" ADD CONSTRAINT "campaign_turns_campaign_id_campaigns_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaigns"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "decisions" ADD CONSTRAINT "decisions_lead_id_leads_id_fk" FOREIGN KEY ("lead_id") REFERENCES "public"."leads"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "distributions" ADD CONSTRAINT "distributions_lead_id_leads_id_fk" FOREIGN KEY ("lead_id") REFERENCES "public"."leads"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "distributions" ADD CONSTRAINT "distributions_campaign_fk" FOREIGN KEY ("organization_id","campaign_id") REFERENCES "public"."campaigns"("organization_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payment_methods" ADD CONSTRAINT "payment_methods_buyer_id_wallets_buyer_id_fk" FOREIGN KEY ("buyer_id") REFERENCES "public"."wallets"("buyer_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "top_ups" ADD CONSTRAINT "top_ups_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "top_ups" ADD CONSTRAINT "top_ups_buyer_id_wallets_buyer_id_fk" FOREIGN KEY ("buyer_id") REFERENCES "public"."wallets"("buyer_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "top_ups" ADD CONSTRAINT "top_ups_payment_method_id_payment_methods_id_fk" FOREIGN KEY ("payment_method_id") REFERENCES "public"."payment_methods"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "wallet_transactions" ADD CONSTRAINT "wallet_transactions_buyer_id_wallets_buyer_id_fk" FOREIGN KEY ("buyer_id") REFERENCES "public"."wallets"("buyer_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "wallet_transactions" ADD CONSTRAINT "wallet_transactions_unlock_id_lead_unlocks_id_fk" FOREIGN KEY ("unlock_id") REFERENCES "public"."lead_unlocks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "wallets" ADD CONSTRAINT "wallets_buyer_fk" FOREIGN KEY ("organization_id","buyer_id") REFERENCES "public"."buyers"("organization_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "campaign_turns_due" ON "campaign_turns" USING btree ("due_at") WHERE due_at is not null;--> statement-breakpoint
CREATE INDEX "distributions_newest" ON "distributions" USING btree ("organization_id","status","received_at","lead_id");--> statement-breakpoint
CREATE INDEX "distributions_pending" ON "distributions" USING btree ("campaign_id","received_at","lead_id") WHERE status = 'PENDING';--> statement-breakpoint
CREATE INDEX "recent_ingests_old" ON "recent_ingests" USING btree ("at");--> statement-breakpoint
CREATE INDEX "bought_people_lead" ON "bought_people" USING btree ("lead_id");--> statement-breakpoint
CREATE INDEX "bought_people_old" ON "bought_people" USING btree ("bought_at");--> statement-breakpoint
CREATE INDEX "payment_methods_buyer" ON "payment_methods" USING btree ("buyer_id","created_at") WHERE removed_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "payment_methods_primary" ON "payment_methods" USING btree ("buyer_id") WHERE is_primary and removed_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "top_ups_one_recharge" ON "top_ups" USING btree ("buyer_id") WHERE kind = 'recharge' and ended_at is null;--> statement-breakpoint
CREATE INDEX "top_ups_newest" ON "top_ups" USING btree ("buyer_id","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "top_ups_payment_intent" ON "top_ups" USING btree ("payment_intent") WHERE payment_intent is not null;--> statement-breakpoint
CREATE INDEX "wallet_transactions_newest" ON "wallet_transactions" USING btree ("buyer_id","created_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "wallet_transactions_debit" ON "wallet_transactions" USING btree ("unlock_id") WHERE type = 'DEBIT';--> statement-breakpoint
ALTER TABLE "lead_unlocks" ADD CONSTRAINT "lead_unlocks_price" CHECK ("lead_unlocks"."price_minor" between case when "lead_unlocks"."campaign_id" is null then 50 else 1 end and 1000000);--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_reserved" CHECK ("payments"."reserved_minor" between 0 and "payments"."amount_minor");--> statement-breakpoint
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_repeat_window" CHECK ("campaigns"."repeat_window_days" between 0 and 365);--> statement-breakpoint
-- Each sale updates these rows in columns without an index, within the page.
ALTER TABLE "wallets" SET (fillfactor = 50);--> statement-breakpoint
ALTER TABLE "subscriptions" SET (fillfactor = 70);--> statement-breakpoint
ALTER TABLE "distributions" SET (fillfactor = 90);--> statement-breakpoint
ALTER TABLE "campaign_turns" SET (fillfactor = 70);
