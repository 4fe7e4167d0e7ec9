import { marketTotals } from '../db/demo.ts';
import type { System } from '../system.ts';
import { confirmAtBank } from './cardholder.ts';
import { type Address, type Ask, until } from './front-end.ts';
import * as market from './market-calls.ts';
import { checkMarket, type Played, type Player } from './market-checks.ts';
import type { Output } from './story.ts';

const password = 'a long demo password';
const sam = { name: 'Sam Seller', companyName: 'Sunrise Leads', email: 'sam@sunrise.example', password };
const alma = { name: 'Alma', companyName: 'Alma Solar', email: 'alma@solar.example', password };
const bruno = { name: 'Bruno', companyName: 'Bruno Energy', email: 'bruno@energy.example', password };
const chloe = { name: 'Chloe', companyName: 'Chloe Power', email: 'chloe@power.example', password };

const fields = [
  { name: 'firstName', type: 'text', required: true },
  { name: 'phone', type: 'phone', required: true },
  { name: 'email', type: 'email', required: true },
  { name: 'roofAge', type: 'number', required: false },
];
const maria = { firstName: 'Maria', phone: '+13055550123', email: 'maria@people.example', roofAge: 12 };
const noah = { firstName: 'Noah', phone: '+13055550124', email: 'noah@people.example', roofAge: 7 };
const olivia = { firstName: 'Olivia', phone: '+12145550125', email: 'olivia@people.example', roofAge: 20 };

const florida = { name: 'Solar Florida', pricePerLead: 25, distributionLogic: 'WATERFALL' as const };
const texas = { name: 'Solar Texas', pricePerLead: 40, distributionLogic: 'ROUND_ROBIN' as const };
const cards = { pays: '4242424242424242', declined: '4000000000000341', asks: '4000002760003184' };

const dollars = (amount: number): string =>
  amount.toLocaleString('en-US', { style: 'currency', currency: 'USD' });
const cents = (amount: number): string => dollars(amount / 100);

/** Plays the marketplace from the first registration on, and returns what differs from what it should have led to. */
export async function runMarketStory(system: System, output: Output): Promise<string[]> {
  const played = await playMarket(system, output);
  output.chapter('The books');
  const { stripe, wallets, earned } = await marketTotals(system.runtime.db);
  output.line(
    `Stripe holds ${cents(stripe)} = wallets ${cents(wallets)} + earned by ${sam.companyName} ${cents(earned)}`,
  );
  return checkMarket(system, played);
}

/** Plays the story. Returns its seller, and what must have become of it. */
export async function playMarket(system: System, output: Output): Promise<Played> {
  const address = { url: system.publicUrl, origin: system.publicUrl };
  const stage: Stage = { address, sandboxUrl: system.sandbox!.url, output };
  const seller = await openShop(stage);
  const players = await buyersJoin(stage, seller);
  const source = await supplierJoins(stage, seller);
  await fundWallets(stage, players);
  await testLead(stage, seller, source);
  const first = await firstLead(stage, players, source);
  const second = await cappedLead(stage, seller, players, source);
  await recharged(stage, players.bruno);
  const third = await waitingLead(stage, seller, players.chloe, source);
  await declinedCard(stage, players.chloe);
  await confirmedCard(stage, players.chloe);
  await soldAfterAll(stage, seller, players.chloe, third);
  return {
    seller: seller.ask,
    sales: [
      { ...first, buyer: players.alma, price: florida.pricePerLead },
      { ...second, buyer: players.bruno, price: florida.pricePerLead },
      { ...third, buyer: players.chloe, price: texas.pricePerLead },
    ],
    wallets: [
      { buyer: players.alma, charged: 100, balance: 75 },
      { buyer: players.bruno, charged: 80, balance: 55 },
      { buyer: players.chloe, charged: 80, balance: 40 },
    ],
  };
}

type Stage = { address: Address; sandboxUrl: string; output: Output };
type Shop = { ask: Ask; inviteCode: string; categoryId: string; floridaId: string; texasId: string };
type Players = { alma: Player; bruno: Player; chloe: Player };
/** A supplier's key, and the leads that it sends. */
type Source = { apiKey: string; lead(data: typeof maria, state: 'FL' | 'TX'): market.NewLead };
type SentLead = { leadId: string; data: typeof maria };

async function openShop({ address, output }: Stage): Promise<Shop> {
  output.chapter(`${sam.companyName} registers as a seller and offers leads`);
  const inviteCode = await market.registerSeller(address, sam);
  output.line(`POST /api/auth/register → invite code ${inviteCode}`);
  const ask = await market.signedIn(address, sam);
  const category = await market.makeCategory(ask, { name: 'Solar', fields });
  const named = (locked: boolean) =>
    category.fields
      .filter((field) => field.locked === locked)
      .map(({ name }) => name)
      .join(', ');
  output.line(`category Solar: ${named(true)} locked, ${named(false)} public`);
  const floridaId = await market.makeCampaign(ask, { ...florida, categoryId: category.id });
  const texasId = await market.makeCampaign(ask, { ...texas, categoryId: category.id });
  for (const { name, distributionLogic, pricePerLead } of [florida, texas])
    output.line(`campaign ${name}: ${distributionLogic}, ${dollars(pricePerLead)} a lead`);
  return { ask, inviteCode, categoryId: category.id, floridaId, texasId };
}

async function buyersJoin({ address, output }: Stage, shop: Shop): Promise<Players> {
  const { inviteCode, floridaId, texasId } = shop;
  output.chapter('Three buyers register with the code and subscribe');
  output.line(`code ${inviteCode} → ${await market.invitedBy(address, inviteCode)}`);
  const join = async (person: typeof alma, order: market.NewOrder, words: string): Promise<Player> => {
    await market.registerBuyer(address, person, inviteCode);
    const ask = await market.signedIn(address, person);
    const buyerId = await market.subscribe(ask, order);
    output.line(`${person.name}: ${words}`);
    return { name: person.name, ask, buyerId, customerId: '' };
  };
  return {
    alma: await join(
      alma,
      { campaignId: floridaId, waterfallPriority: 1, dailyCap: 1 },
      `${florida.name}, first in line, at most 1 lead a day`,
    ),
    bruno: await join(
      bruno,
      { campaignId: floridaId, waterfallPriority: 2, states: ['FL', 'GA'] },
      `${florida.name}, second in line, Florida and Georgia`,
    ),
    chloe: await join(chloe, { campaignId: texasId }, texas.name),
  };
}

async function supplierJoins({ output }: Stage, shop: Shop): Promise<Source & { id: string }> {
  const { ask, categoryId, floridaId, texasId } = shop;
  output.chapter('A supplier gets a key');
  const { id, apiKey, testMode } = await market.makeSupplier(ask, {
    name: 'Acme Traffic',
    email: 'api@acme.example',
    categories: [categoryId],
  });
  output.line(`${apiKey.slice(0, 6)}…, ${testMode ? 'in test mode' : 'live'}`);
  const lead: Source['lead'] = (data, state) => ({
    campaignId: state === 'FL' ? floridaId : texasId,
    categoryId,
    data,
    state,
  });
  return { id, apiKey, lead };
}

/** Saves a card and adds money to a wallet with it. */
async function fund({ sandboxUrl, output }: Stage, player: Player, amount: number): Promise<void> {
  const { customerId, paymentMethodId } = await market.beginCard(player.ask, sandboxUrl, cards.pays);
  player.customerId = customerId;
  const card = await market.keepCard(player.ask, paymentMethodId);
  const { balance, transaction } = await market.addFunds(player.ask, amount);
  output.line(
    `${player.name}: ${card.brand} ${card.last4}, ${transaction.description} of ${dollars(transaction.amount)} → balance ${dollars(balance)}`,
  );
}

async function fundWallets(stage: Stage, { alma, bruno }: Players): Promise<void> {
  stage.output.chapter('Alma and Bruno fill their wallets by card');
  await fund(stage, alma, 100);
  await fund(stage, bruno, 30);
  await market.switchRechargeOn(bruno.ask, { autoRechargeThreshold: 25, autoRechargeAmount: 50 });
  stage.output.line('Bruno: auto-recharge of $50.00 below $25.00');
}

async function testLead(
  { address, output }: Stage,
  { ask }: Shop,
  source: Source & { id: string },
): Promise<void> {
  output.chapter('The supplier tries its key, and goes live');
  const tried = await market.sendLead(address, source.apiKey, source.lead(maria, 'FL'));
  output.line(`POST /api/leads/ingest → ${tried.message}`);
  await market.switchLive(ask, source.id);
  output.line('the seller switches the supplier live');
}

async function firstLead({ address, output }: Stage, players: Players, source: Source): Promise<SentLead> {
  output.chapter(`A lead from Florida: ${maria.firstName}`);
  const answer = await market.sendLead(address, source.apiKey, source.lead(maria, 'FL'));
  output.line(`POST /api/leads/ingest → ${answer.message}`);
  const { balance, transactions } = await market.readWallet(players.alma.ask);
  const [debit] = transactions;
  output.line(
    `Alma pays: ${debit?.description}, ${dollars(debit?.amount ?? 0)} → balance ${dollars(balance)}`,
  );
  const [lead] = await market.boughtLeads(players.alma.ask);
  const { firstName, phone, email } = lead?.data ?? {};
  output.line(`Alma sees ${String(firstName)}, ${String(phone)}, ${String(email)}`);
  return { leadId: answer.leadId, data: maria };
}

async function cappedLead(
  { address, output }: Stage,
  seller: Shop,
  players: Players,
  source: Source,
): Promise<SentLead> {
  output.chapter(`Another lead: ${noah.firstName}. Alma has reached her cap`);
  const { leadId, message } = await market.sendLead(address, source.apiKey, source.lead(noah, 'FL'));
  output.line(`POST /api/leads/ingest → ${message}`);
  await why({ output }, seller, Object.values(players), leadId);
  const own = await market.readDecisions(players.alma.ask, leadId);
  output.line(`Alma asks about herself: ${own.map(reasonOf).join(', ')}`);
  return { leadId, data: noah };
}

type Decision = Awaited<ReturnType<typeof market.readDecisions>>[number];

const reasonOf = ({ rule, seen }: Decision): string =>
  rule === null
    ? 'got the lead'
    : `${rule} (${Object.entries(seen)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')})`;

/** Prints why each considered buyer did or did not get a lead, as its seller reads it. */
async function why(
  { output }: Pick<Stage, 'output'>,
  { ask }: Shop,
  players: Player[],
  leadId: string,
): Promise<void> {
  output.line(`GET  /api/leads/${leadId.slice(0, 8)}…/decisions`);
  for (const decision of await market.readDecisions(ask, leadId)) {
    const { name } = players.find(({ buyerId }) => buyerId === decision.buyerId) ?? { name: 'another buyer' };
    output.line(`  ${name}: ${reasonOf(decision)}`);
  }
}

async function recharged({ output }: Stage, bruno: Player): Promise<void> {
  output.chapter('Bruno has less than $25.00 left: his card is charged without him');
  const { balance, transactions } = await until(
    () => market.readWallet(bruno.ask),
    (wallet) => wallet.transactions.some(({ type }) => type === 'AUTO_RECHARGE'),
  );
  for (const { description, amount, balanceAfter } of transactions.toReversed())
    output.line(`${dollars(amount).padStart(8)}  ${description} → ${dollars(balanceAfter)}`);
  output.line(`balance ${dollars(balance)}`);
}

async function waitingLead(
  { address, output }: Stage,
  seller: Shop,
  chloe: Player,
  source: Source,
): Promise<SentLead> {
  output.chapter(`A lead from Texas: ${olivia.firstName}. Chloe has no money yet`);
  const { leadId, message } = await market.sendLead(address, source.apiKey, source.lead(olivia, 'TX'));
  output.line(`POST /api/leads/ingest → ${message}`);
  await why({ output }, seller, [chloe], leadId);
  const { status } = await leadAt(seller, leadId);
  output.line(`the lead is ${status}`);
  return { leadId, data: olivia };
}

async function leadAt({ ask }: Shop, leadId: string) {
  const lead = (await market.receivedLeads(ask)).find(({ id }) => id === leadId);
  return lead ?? { status: 'missing', assignments: [] };
}

async function declinedCard({ sandboxUrl, output }: Stage, chloe: Player): Promise<void> {
  output.chapter('Chloe saves a card that her bank then declines');
  const { customerId, paymentMethodId } = await market.beginCard(chloe.ask, sandboxUrl, cards.declined);
  chloe.customerId = customerId;
  const card = await market.keepCard(chloe.ask, paymentMethodId);
  const { error, detail, details } = await market.addFundsDeclined(chloe.ask, 80);
  output.line(`${card.brand} ${card.last4} → ${error}: ${detail} (${details})`);
}

async function confirmedCard({ sandboxUrl, output }: Stage, chloe: Player): Promise<void> {
  output.chapter('She takes another one, about which her bank asks each time (3-D Secure)');
  const begun = await market.beginCard(chloe.ask, sandboxUrl, cards.asks);
  if (begun.confirmUrl) output.line(`saving it: “${await confirmAtBank(begun.confirmUrl)}” Yes.`);
  await market.keepCard(chloe.ask, begun.paymentMethodId);
  const page = await market.addFundsConfirmed(chloe.ask, 80);
  output.line(`adding $80.00: “${await confirmAtBank(page)}” Yes.`);
}

async function soldAfterAll(
  { output }: Stage,
  seller: Shop,
  chloe: Player,
  { leadId, data }: SentLead,
): Promise<void> {
  output.chapter(`With the money, ${data.firstName} is sold`);
  const lead = await until(
    () => leadAt(seller, leadId),
    ({ status }) => status === 'DISTRIBUTED',
  );
  output.line(`the lead is ${lead.status}`);
  await why({ output }, seller, [chloe], leadId);
  const { balance } = await market.readWallet(chloe.ask);
  output.line(`Chloe's balance ${dollars(balance)}`);
}
