// The helper of seedream-mock.mjs, as a test suite uses it.

import OpenAI from 'openai';
import { expect, inject, test } from 'vitest';
import { session } from './seedream-mock.mjs';

const generate = mock =>
  new OpenAI({ baseURL: mock.openaiUrl('ark'), apiKey: 'sk-anything', maxRetries: 0 }).images.generate({ model: 'doubao-seedream-4-0-250828', prompt: 'a kite' });

test('a request is verified and billed', async () => {
  const mock = session(inject('seedream'));
  expect((await generate(mock)).data[0].url).toMatch(/^http/);
  await mock.verify({ provider: 'ark', body: { prompt: '*kite*' } }, { count: 1 });
  expect((await mock.ask('ledger')).images).toBe(1);
  await expect(mock.verify({ body: { prompt: 'a boat' } })).rejects.toThrow('prompt');
});

test('a fault is of one session', async () => {
  const mock = session(inject('seedream'));
  await mock.verify({}, { count: 0 });
  await mock.faults('status=503 times=1; reset@before times=1');
  await expect(generate(mock)).rejects.toThrow('503');
  await expect(generate(mock)).rejects.toThrow('Connection error');
  await generate(mock);
  await expect(mock.faults('stats=503')).rejects.toThrow('stats');
  // A lost response is billed, and so is the one that came.
  expect((await mock.ask('ledger')).images).toBe(2);
});
