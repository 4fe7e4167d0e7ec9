import type { EventsOf, WorkerName } from '../../events/routes.ts';

/** What one worker does for one event, in the words of people: `name` as in "Send the teaser", `failed` with names in braces. */
export type Step = { name: string; failed: string };

/** Total over the routes: a step without words does not compile, so no page or mail shows the name of a worker. */
const steps: { [W in WorkerName]: Record<EventsOf<W>, Step> } = {
  distributor: {
    'lead.received': { name: 'Offer the lead', failed: 'Lead {lead} wasn’t offered' },
    'offers.requested': { name: 'Offer the lead', failed: 'Lead {lead} wasn’t offered' },
    'campaign.woken': {
      name: 'Sell waiting leads',
      failed: 'Waiting leads of a campaign weren’t tried again',
    },
  },
  'teaser-sender': {
    'unlock.offered': { name: 'Send the teaser', failed: 'Teaser to {buyer} wasn’t sent' },
  },
  'payment-linker': {
    'reply.accepted': { name: 'Send the pay link', failed: 'Pay link to {buyer} wasn’t sent' },
    'checkout.opened': {
      name: 'Look for the payment',
      failed: 'Checkout of {buyer} wasn’t checked at Stripe',
    },
    'checkout.ended': { name: 'Close the checkout', failed: 'Ended checkout of {buyer} wasn’t recorded' },
    'unlock.closed': { name: 'Close the checkout', failed: 'Checkout of {buyer} wasn’t closed' },
    'payment.reported': { name: 'Book the payment', failed: 'Payment from {buyer} wasn’t booked' },
    'payment.unwanted': { name: 'Refund the payment', failed: 'Refund to {buyer} wasn’t made' },
    'payment.refund_requested': { name: 'Repeat the refund', failed: 'Refund to {buyer} wasn’t repeated' },
    'payment.changed': {
      name: 'Book the refund or dispute',
      failed: 'Refund or dispute of {buyer} wasn’t booked',
    },
    'wallet.recharge_opened': { name: 'Recharge the wallet', failed: 'A wallet wasn’t recharged' },
    'wallet.recharge_due': { name: 'Recharge the wallet again', failed: 'A wallet wasn’t recharged again' },
    'wallet.recharge_canceled': {
      name: 'Cancel the payment of a recharge',
      failed: 'The payment of a recharge wasn’t canceled at Stripe',
    },
    'wallet.top_up_opened': {
      name: 'Look for the money',
      failed: 'Money for a wallet wasn’t looked up at Stripe',
    },
    'wallet.payment_reported': { name: 'Credit the wallet', failed: 'A wallet wasn’t credited' },
    'wallet.give_back_opened': {
      name: 'Refund from the wallet',
      failed: 'Money of a wallet wasn’t refunded',
    },
    'wallet.card_reported': { name: 'Store the card', failed: 'A card wasn’t stored' },
  },
  revealer: {
    'payment.captured': {
      name: 'Send the details',
      failed: 'Paid details weren’t delivered to {buyer}',
    },
    'reveal.requested': { name: 'Send the details again', failed: 'Details weren’t sent again to {buyer}' },
    'reveal.viewed': {
      name: 'Record that the details were viewed',
      failed: 'View by {buyer} wasn’t recorded',
    },
    'unlock.revealed': { name: 'Confirm the delivery', failed: 'Delivery to {buyer} wasn’t confirmed' },
    'message.delivered': { name: 'Record the delivery', failed: 'Delivery to {buyer} wasn’t recorded' },
  },
  notifier: {
    'reply.unclear': { name: 'Answer an unclear text', failed: 'Unclear text from {buyer} wasn’t answered' },
    'reply.help': { name: 'Answer HELP', failed: 'HELP from {buyer} wasn’t answered' },
    'buyer.opted_out': { name: 'Confirm the opt-out', failed: 'Opt-out of {buyer} wasn’t confirmed' },
    'buyer.opted_in': { name: 'Confirm the opt-in', failed: 'Opt-in of {buyer} wasn’t confirmed' },
    'buyer.notice': { name: 'Send a notice', failed: 'Notice to {buyer} wasn’t sent' },
    'message.failed': {
      name: 'Handle an undelivered message',
      failed: 'Undelivered message to {buyer} wasn’t handled',
    },
    'crm.paused': { name: 'Send an alert', failed: 'Alert about {company} wasn’t sent' },
    'crm.unwell': { name: 'Send an alert', failed: 'Alert about {company} wasn’t sent' },
    'installation.unwell': { name: 'Send an alert', failed: 'Alert about this installation wasn’t sent' },
    'payment.refunded': { name: 'Send an alert', failed: 'Alert about a refund to {buyer} wasn’t sent' },
    'payment.refund_failed': {
      name: 'Send an alert',
      failed: 'Alert about a failed refund to {buyer} wasn’t sent',
    },
    'payment.inquiry': { name: 'Send an alert', failed: 'Alert about an inquiry of a bank wasn’t sent' },
    'checkout.refused': { name: 'Send an alert', failed: 'Alert about a refused checkout wasn’t sent' },
    'payment.disputed': { name: 'Send an alert', failed: 'Alert about a dispute by {buyer} wasn’t sent' },
    'payment.quarantined': {
      name: 'Send an alert',
      failed: 'Alert about a payment from {buyer} wasn’t sent',
    },
    'wallet.recharge_declined': {
      name: 'Tell the buyer',
      failed: 'A buyer didn’t hear about a declined auto-recharge',
    },
    'wallet.recharge_needs_action': {
      name: 'Ask the buyer to confirm',
      failed: 'A buyer wasn’t asked to confirm an auto-recharge',
    },
    'wallet.recharge_stopped': {
      name: 'Tell the buyer',
      failed: 'A buyer wasn’t told that auto-recharge stopped',
    },
    'wallet.disputed': { name: 'Send an alert', failed: 'Alert about a disputed wallet wasn’t sent' },
    'wallet.payment_held': {
      name: 'Send an alert',
      failed: 'Alert about a payment into a wallet wasn’t sent',
    },
    'work.parked': { name: 'Send an alert', failed: 'Alert about a failed step wasn’t sent' },
  },
  expirer: {
    'lead.waiting': { name: 'Expire the lead', failed: 'Lead {lead} wasn’t expired' },
    'unlock.offered': { name: 'End the offer', failed: 'Offer to {buyer} wasn’t ended' },
    'reply.declined': { name: 'End the offer', failed: 'Offer to {buyer} wasn’t ended' },
    'lead.sold_out': { name: 'End the other offers', failed: 'Offers of sold lead {lead} weren’t ended' },
    'buyer.opted_out': { name: 'End the offers', failed: 'Offers to {buyer} weren’t ended after STOP' },
  },
  importer: {
    'import.started': { name: 'Read the file', failed: 'A file of {company} wasn’t read' },
    'import.retry_requested': { name: 'Retry failed leads', failed: 'Leads of {company} weren’t retried' },
  },
  inbound: {
    'reply.notified': { name: 'Fetch a text', failed: 'An inbound text wasn’t fetched' },
  },
  'ghl-syncer': {
    'lead.uploaded': {
      name: 'Write the contact to the CRM',
      failed: 'A lead of {company} wasn’t sent to the CRM',
    },
    'lead.sync_requested': {
      name: 'Write the contact to the CRM',
      failed: 'A lead of {company} wasn’t sent to the CRM',
    },
    'crm.notified': { name: 'Apply a CRM update', failed: 'A CRM update of {company} wasn’t applied' },
  },
  'account-keeper': {
    'account.registered': { name: 'Set up a new account', failed: 'A new account wasn’t set up' },
    'account.link_requested': { name: 'Mail a link', failed: 'A link wasn’t mailed to a person' },
    'member.invited': { name: 'Mail an invitation', failed: 'An invitation of {company} wasn’t mailed' },
  },
};

const unknown: Step = { name: 'A step', failed: 'A step of {company} failed' };

/** The words of a step. One of another version of leadgate, or of a deleted event, has general ones. */
export function stepOf(worker: string, eventType: string | undefined): Step {
  const ofWorker: Partial<Record<string, Record<string, Step>>> = steps;
  return ofWorker[worker]?.[eventType ?? ''] ?? unknown;
}

/** What a person reads instead of the number of failed attempts. */
export const attemptsInWords = (attempts: number): string =>
  attempts <= 1 ? 'Rejected on the first attempt' : `Failed ${attempts} times`;
