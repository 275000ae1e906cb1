// What openai-node and the Vercel AI SDK do when only their base URL and their key are changed. One line a scenario, as
// judge.py reads it. Where a client loses a picture that was paid for, that is asserted too: it does so to the real ones.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, RetryError, generateImage } from 'ai';
import OpenAI from 'openai';

const { MOCK, PICTURES } = process.env;
const model = 'doubao-seedream-4-0-250828';
const one = { model, prompt: 'a paper kite', size: '1024x1024' };
const group = { sequential_image_generation: 'auto', sequential_image_generation_options: { max_images: 3 } };
const three = { ...one, prompt: '3 posters of a paper kite', ...group };
const made = 'image_generation.partial_succeeded';
const completed = 'image_generation.completed';

const pins = JSON.parse(readFileSync('package.json', 'utf8')).dependencies;
const versions = { 'openai-node': pins.openai, 'ai-sdk': `${pins.ai} (openai-compatible ${pins['@ai-sdk/openai-compatible']})` };

// A session of the mock, and where its pictures are kept for the judge.
class Session {
  kept = 0;
  constructor(client, name) {
    this.name = `${client}-${name}`;
  }
  base(path = 'ark/api/v3') {
    return `${MOCK}/s/${this.name}/${path}`;
  }
  keep(promised, bytes) {
    writeFileSync(`${PICTURES}/${this.name}.${this.kept++}.${promised}.jpeg`, bytes);
  }
  async download(promised, url) {
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    this.keep(promised, Buffer.from(await answer.arrayBuffer()));
  }
  async journal() {
    const answer = await fetch(`${MOCK}/__mock/v1/journal?session=${this.name}`);
    return (await answer.json()).entries;
  }
}

// The error of exactly this class that a promise ends with.
async function raised(kind, promise) {
  const error = await promise.then(() => assert.fail(`no ${kind.name}`), error => error);
  assert.equal(error.constructor, kind, error.message);
  return error;
}

const openai = (session, key = 'sk-anything') => new OpenAI({ baseURL: session.base(), apiKey: key }).images;

async function sdk(session, { key = 'sk-anything', path, id = model, ...members } = {}) {
  const provider = createOpenAICompatible({ name: 'ark', baseURL: session.base(path), apiKey: key });
  return generateImage({ model: provider.imageModel(id), prompt: one.prompt, size: one.size, ...members });
}

// client, scenario; what the judge shall find: attempts to buy, pictures billed, pictures kept.
const scenarios = [
  ['openai-node', 'url', 1, 1, 1, async session => {
    const answer = await openai(session).generate({ ...one, response_format: 'url' });
    await session.download(answer.data[0].size, answer.data[0].url);
    return 'a URL that opens';
  }],
  ['openai-node', 'b64_json', 1, 1, 1, async session => {
    const answer = await openai(session).generate({ ...one, response_format: 'b64_json' });
    session.keep(answer.data[0].size, Buffer.from(answer.data[0].b64_json, 'base64'));
    return 'base64 without a prefix';
  }],
  ['openai-node', 'group', 1, 3, 3, async session => {
    const answer = await openai(session).generate(three);
    for (const image of answer.data) await session.download(image.size, image.url);
    return 'members of Ark beside those of OpenAI';
  }],
  ['openai-node', 'stream', 1, 3, 3, async session => {
    const types = [];
    for await (const event of await openai(session).generate({ ...three, stream: true })) {
      types.push(event.type);
      if (event.url) await session.download(event.size, event.url);
    }
    assert.deepEqual(types, [made, made, made, completed]);
    return '3 partial_succeeded, completed';
  }],
  ['openai-node', 'stream-withheld', 1, 2, 1, async session => {
    const stream = await openai(session, 'sk-mock-partial').generate({ ...three, stream: true });
    const events = stream[Symbol.asyncIterator]();
    const first = (await events.next()).value;
    await session.download(first.size, first.url);
    const error = await raised(OpenAI.APIError, events.next());
    assert.equal(error.code, 'OutputImageSensitiveContentDetected');
    return 'throws APIError at partial_failed: the third picture, paid, is lost';
  }],
  ['openai-node', '400', 1, 0, 0, async session => {
    const error = await raised(OpenAI.BadRequestError, openai(session).generate({ ...one, size: '512x512' }));
    assert.equal(error.code, 'InvalidParameter');
    return 'BadRequestError, InvalidParameter';
  }],
  ['openai-node', '401', 1, 0, 0, async session => {
    const error = await raised(OpenAI.AuthenticationError, openai(session, 'sk-mock-401').generate(one));
    assert.equal(error.type, 'Unauthorized');
    assert.ok(error.message.includes(error.requestID));
    return 'AuthenticationError';
  }],
  ['openai-node', '429', 3, 0, 0, async session => {
    const error = await raised(OpenAI.RateLimitError, openai(session, 'sk-mock-429').generate(one));
    assert.equal(error.code, 'ModelAccountIpmRateLimitExceeded');
    return 'RateLimitError after two retries';
  }],
  ['openai-node', 'lost', 3, 3, 0, async session => {
    await raised(OpenAI.APIConnectionError, openai(session, 'sk-mock-reset').generate(one));
    return 'APIConnectionError after two retries: paid three times';
  }],

  ['ai-sdk', 'url', 1, 1, 1, async session => {
    const { image, usage } = await sdk(session);
    assert.equal(image.mediaType, 'image/jpeg');
    assert.equal(usage.outputTokens, 4096);
    session.keep(one.size, image.uint8Array);
    const download = (await session.journal()).find(entry => entry.method === 'GET');
    assert.ok(download.headers.authorization && download.notes.some(note => note.includes('key')));
    return 'downloads the picture itself and sends its key along';
  }],
  ['ai-sdk', 'b64_json', 1, 1, 1, async session => {
    const { image } = await sdk(session, { providerOptions: { ark: { response_format: 'b64_json' } } });
    session.keep(one.size, image.uint8Array);
    assert.ok((await session.journal()).every(entry => entry.method === 'POST'));
    return 'base64, nothing to download';
  }],
  ['ai-sdk', 'opeai', 1, 3, 3, async session => {
    const members = { path: 'opeai/v1', id: 'doubao-seedream-4.5', prompt: three.prompt, size: '2048x2048', n: 3 };
    const { images } = await sdk(session, members);
    for (const image of images) session.keep('2048x2048', image.uint8Array);
    return 'n=3 becomes a group';
  }],
  ['ai-sdk', 'withheld', 1, 2, 0, async session => {
    const members = { key: 'sk-mock-partial', prompt: three.prompt, providerOptions: { ark: group } };
    const error = await raised(APICallError, sdk(session, members));
    assert.equal(error.statusCode, 200);
    assert.equal(error.cause.name, 'AI_TypeValidationError');
    return 'throws APICallError for one error item: two pictures, paid, are lost';
  }],
  ['ai-sdk', '400', 1, 0, 0, async session => {
    const error = await raised(APICallError, sdk(session, { size: '512x512' }));
    assert.equal(error.statusCode, 400);
    assert.ok(error.message.includes('921600 pixels'));
    return "APICallError with Ark's message";
  }],
  ['ai-sdk', '401', 1, 0, 0, async session => {
    const error = await raised(APICallError, sdk(session, { key: 'sk-mock-401' }));
    assert.equal(error.statusCode, 401);
    return "APICallError with Ark's message";
  }],
  ['ai-sdk', '429', 3, 0, 0, async session => {
    const error = await raised(RetryError, sdk(session, { key: 'sk-mock-429' }));
    assert.equal(error.lastError.statusCode, 429);
    return 'RetryError after two retries';
  }],
  ['ai-sdk', 'lost', 3, 3, 0, async session => {
    await raised(RetryError, sdk(session, { key: 'sk-mock-reset' }));
    return 'RetryError after two retries: paid three times';
  }],
];

for (const [client, name, posts, billed, kept, run] of scenarios) {
  let verdict = 'ok';
  const seen = await run(new Session(client, name)).catch(error => {
    verdict = 'FAIL';
    return `${error.name}: ${error.message}`.replaceAll(/[\t\n]/g, ' ');
  });
  console.log([verdict, client, versions[client], name, posts, billed, kept, seen].join('\t'));
}
