// The official OpenAI SDK, unmodified, through the gateway and straight to the provider: the same answers.
// @ts-check

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import OpenAI from "openai";

import { HELLO, KEY, PNG, house, parts, same } from "./house.mjs";

const model = "sim-large";
const messages = [{ role: "user", content: HELLO }];
const tools = [
  {
    type: "function",
    function: {
      name: "toll",
      description: "The toll of a vehicle.",
      parameters: { type: "object", properties: { wheels: { type: "integer" } }, required: ["wheels"] },
    },
  },
];
const picture = [
  {
    role: "user",
    content: [
      { type: "text", text: "What is in this picture?" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}`, detail: "low" } },
    ],
  },
];

describe("openai", () => {
  let stage, clients;

  before(async () => {
    stage = await house();
    clients = [stage.gate, stage.direct].map(
      (at) => new OpenAI({ baseURL: `http://${at}/v1`, apiKey: KEY, maxRetries: 0 }),
    );
  });

  after(async () => {
    try {
      stage.checkUsage(105);
    } finally {
      await stage.end();
    }
  });

  const whole = (request) => same(clients, (client) => client.chat.completions.create({ model, ...request }));
  const streamed = (request) =>
    same(clients, async (client) => parts(await client.chat.completions.create({ model, stream: true, ...request })));

  it("answers whole", async () => {
    const answer = await whole({ messages });
    assert.ok(answer.choices[0].message.content);
  });

  it("streams", async () => {
    const chunks = await streamed({ messages });
    assert.ok(chunks.some((chunk) => chunk.choices[0].delta.content));
    assert.ok(!chunks.some((chunk) => chunk.usage), "usage that nobody asked for");
  });

  it("streams with usage", async () => {
    const chunks = await streamed({ messages, stream_options: { include_usage: true } });
    assert.equal(chunks.filter((chunk) => chunk.usage).length, 1);
  });

  it("streams by the helper", async () => {
    const final = await same(clients, (client) =>
      client.chat.completions.stream({ model, messages }).finalChatCompletion(),
    );
    assert.ok(final.choices[0].message.content);
  });

  it("calls tools", async () => {
    const simulate = { tool_calls: 1 };
    const answer = await whole({ messages, tools, simulate });
    const [call] = answer.choices[0].message.tool_calls;
    assert.equal(call.function.name, "toll");
    const result = { role: "tool", tool_call_id: call.id, content: "4 CNY" };
    await whole({ messages: [...messages, answer.choices[0].message, result], tools });
    const chunks = await streamed({ messages, tools, simulate });
    const text = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []).map((it) => it.function.arguments);
    assert.equal(typeof JSON.parse(text.join("")), "object");
  });

  it("sees images", async () => {
    await whole({ messages: picture });
    await streamed({ messages: picture });
  });

  it("answers fifty at once, twice", async () => {
    const ask = async (client, number) => {
      const request = {
        model,
        messages: [{ role: "user", content: `Question ${number}` }],
        simulate: { output_tokens: 20 + number, token_ms: 2, first_token_ms: number },
      };
      if (number % 2) return client.chat.completions.create(request);
      return parts(await client.chat.completions.create({ ...request, stream: true }));
    };
    const fifty = (client) => Promise.all(Array.from({ length: 50 }, (_, number) => ask(client, number)));
    await same(clients, async (client) => [await fifty(client), await fifty(client)]);
  });

  it("refuses by the SDK's own errors", async () => {
    const create = (client, request) => client.chat.completions.create({ model, messages, ...request });
    await assert.rejects(create(clients[0].withOptions({ apiKey: "th-unknown" })), OpenAI.AuthenticationError);
    await assert.rejects(create(clients[0], { model: "no-such-model" }), OpenAI.NotFoundError);
    await assert.rejects(create(clients[0], { messages: "hello" }), OpenAI.BadRequestError);
  });

  it("lists models", async () => {
    const listed = await parts(await clients[0].models.list());
    assert.deepEqual(listed.map((it) => it.id).sort(), ["sim-large", "sim-sonnet"]);
  });
});
