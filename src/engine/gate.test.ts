import { expect, it } from 'vitest';
import { createGate } from './gate.ts';

it('is full while all permits are taken, and when one is handed on to a waiter', async () => {
  const gate = createGate(2);
  await gate.enter();
  expect(gate.isFull()).toBe(false);
  await gate.enter();
  expect(gate.isFull()).toBe(true);
  const third = gate.enter();
  gate.leave();
  await third;
  expect(gate.isFull()).toBe(true);
  gate.leave();
  expect(gate.isFull()).toBe(false);
});
