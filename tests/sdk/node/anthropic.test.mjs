// The official Anthropic SDK, unmodified, through the gateway and straight to the provider: the same answers.
// @ts-check

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import Anthropic from "@anthropic-ai/sdk";

import { HELLO, KEY, PNG, house, parts, same } from "./house.mjs";

const model = "sim-sonnet";
const messages = [{ role: "user", content: HELLO }];
const tools = [
  {
    name: "toll",
    description: "The toll of a vehicle.",
    input_schema: { type: "object", properties: { wheels: { type: "integer" } }, required: ["wheels"] },
  },
];
const picture = [
  {
    role: "user",
    content: [
      { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
      { type: "text", text: "What is in this picture?" },
    ],
  },
];

describe("anthropic", () => {
  let stage, clients;

  before(async () => {
    stage = await house();
    clients = [stage.gate, stage.direct].map(
      (at) => new Anthropic({ baseURL: `http://${at}`, apiKey: KEY, maxRetries: 0 }),
    );
  });

  after(async () => {
    try {
      stage.checkUsage(105);
    } finally {
      await stage.end();
    }
  });

  const full = (request) => ({ model, max_tokens: 300, ...request });
  const whole = (request) => same(clients, (client) => client.messages.create(full(request)));
  const streamed = (request) =>
    same(clients, async (client) => parts(await client.messages.create(full({ stream: true, ...request }))));

  it("answers whole", async () => {
    const answer = await whole({ messages, system: "Answer briefly." });
    assert.ok(answer.content[0].text);
  });

  it("streams", async () => {
    const events = await streamed({ messages });
    assert.deepEqual([events.at(0).type, events.at(-1).type], ["message_start", "message_stop"]);
  });

  it("streams by the helper", async () => {
    const final = await same(clients, (client) => client.messages.stream(full({ messages })).finalMessage());
    assert.ok(final.content[0].text);
  });

  it("calls tools", async () => {
    const simulate = { tool_calls: 1 };
    const answer = await whole({ messages, tools, simulate });
    const call = answer.content.find((block) => block.type === "tool_use");
    assert.equal(call.name, "toll");
    const turns = [
      { role: "assistant", content: answer.content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "4 CNY" }] },
    ];
    await whole({ messages: [...messages, ...turns], tools });
    const events = await streamed({ messages, tools, simulate });
    assert.ok(events.some((event) => event.delta?.type === "input_json_delta"));
  });

  it("sees images", async () => {
    await whole({ messages: picture });
    await streamed({ messages: picture });
  });

  it("answers fifty at once, twice", async () => {
    const ask = async (client, number) => {
      const request = full({
        messages: [{ role: "user", content: `Question ${number}` }],
        simulate: { output_tokens: 20 + number, token_ms: 2, first_token_ms: number },
      });
      if (number % 2) return client.messages.create(request);
      return parts(await client.messages.create({ ...request, stream: true }));
    };
    const fifty = (client) => Promise.all(Array.from({ length: 50 }, (_, number) => ask(client, number)));
    await same(clients, async (client) => [await fifty(client), await fifty(client)]);
  });

  it("refuses by the SDK's own errors", async () => {
    const create = (client, request) => client.messages.create(full({ messages, ...request }));
    await assert.rejects(create(clients[0].withOptions({ apiKey: "th-unknown" })), Anthropic.AuthenticationError);
    await assert.rejects(create(clients[0], { model: "no-such-model" }), Anthropic.NotFoundError);
    await assert.rejects(create(clients[0], { messages: "hello" }), Anthropic.BadRequestError);
  });

  it("lists models", async () => {
    const listed = await parts(await clients[0].models.list());
    assert.deepEqual(listed.map((it) => it.id).sort(), ["sim-large", "sim-sonnet"]);
  });
});
