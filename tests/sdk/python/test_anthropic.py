"""The official Anthropic SDK, unmodified, through the gateway and straight to the provider: the same answers."""

import asyncio
import unittest

import anthropic

import house

MODEL = "sim-sonnet"
HELLO = [{"role": "user", "content": "How many tokens passed this gate today?"}]
TOOLS = [{
    "name": "toll",
    "description": "The toll of a vehicle.",
    "input_schema": {"type": "object", "properties": {"wheels": {"type": "integer"}}, "required": ["wheels"]},
}]
PICTURE = [{"role": "user", "content": [
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": house.PNG}},
    {"type": "text", "text": "What is in this picture?"},
]}]


class Anthropic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = house.House()
        cls.addClassCleanup(cls.house.end)
        cls.options = [{"base_url": f"http://{at}", "api_key": house.KEY, "max_retries": 0}
                       for at in (cls.house.gate, cls.house.direct)]
        cls.clients = [anthropic.Anthropic(**options) for options in cls.options]

    @classmethod
    def tearDownClass(cls):
        cls.house.check_usage(at_least=110)

    def same(self, **request):
        """One answer of both, compared; streams as the list of their events."""
        request = {"model": MODEL, "max_tokens": 400, **request}

        def ask(client):
            answer = client.messages.create(**request)
            return house.plain(list(answer) if request.get("stream") else answer), answer

        (gate, answer), (direct, _) = (ask(client) for client in self.clients)
        self.assertEqual(gate, direct)
        return gate, answer

    def test_whole(self):
        _, answer = self.same(messages=HELLO, system="Answer briefly.")
        self.assertTrue(answer.content[0].text)
        self.assertGreater(answer.usage.input_tokens, 0)

    def test_whole_with_everything_a_provider_reports(self):
        simulate = {"input_tokens": 5000, "output_tokens": 200, "cached_tokens": 3000,
                    "cache_write_5m": 1000, "cache_write_1h": 500}
        _, answer = self.same(messages=HELLO, extra_body={"simulate": simulate})
        self.assertEqual(answer.usage.cache_read_input_tokens, 3000)
        self.assertEqual(answer.usage.input_tokens, 500)

    def test_streamed(self):
        events, _ = self.same(messages=HELLO, stream=True)
        self.assertEqual((events[0]["type"], events[-1]["type"]), ("message_start", "message_stop"))

    def test_streamed_by_the_helper(self):
        def ask(client):
            with client.messages.stream(model=MODEL, max_tokens=200, messages=HELLO) as stream:
                text = "".join(stream.text_stream)
                return text, house.plain(stream.get_final_message())

        gate, direct = (ask(client) for client in self.clients)
        self.assertEqual(gate, direct)
        self.assertTrue(gate[0])

    def test_tools(self):
        _, answer = self.same(messages=HELLO, tools=TOOLS, extra_body={"simulate": {"tool_calls": 1}})
        used = [block for block in answer.content if block.type == "tool_use"]
        self.assertEqual([block.name for block in used], ["toll"])
        results = [{"type": "tool_result", "tool_use_id": block.id, "content": "4 CNY"} for block in used]
        turns = [{"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]},
                 {"role": "user", "content": results}]
        self.same(messages=[*HELLO, *turns], tools=TOOLS)

    def test_tools_streamed(self):
        events, _ = self.same(messages=HELLO, tools=TOOLS, stream=True, extra_body={"simulate": {"tool_calls": 1}})
        parts = [event["delta"] for event in events if event["type"] == "content_block_delta"]
        self.assertTrue(any(part["type"] == "input_json_delta" for part in parts))

    def test_thinking(self):
        request = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2048, "messages": HELLO,
                   "extra_body": {"simulate": {"output_tokens": 120, "reasoning_tokens": 80}}}
        self.same(**request)
        self.same(**request, stream=True)

    def test_images(self):
        self.same(messages=PICTURE)
        self.same(messages=PICTURE, stream=True)

    def asynchronously(self, ask):
        """What `ask(client)` gives through the gateway and straight."""
        async def both():
            shown = []
            for options in self.options:
                async with anthropic.AsyncAnthropic(**options) as client:
                    shown.append(await ask(client))
            return shown

        return asyncio.run(both())

    def test_async(self):
        async def ask(client):
            whole, streamed = [
                await client.messages.create(model=MODEL, max_tokens=100, messages=HELLO, stream=stream)
                for stream in (False, True)
            ]
            return house.plain([whole, *[event async for event in streamed]])

        gate, direct = self.asynchronously(ask)
        self.assertEqual(gate, direct)

    def test_fifty_at_once(self):
        async def ask(client, number):
            messages = [{"role": "user", "content": f"Question {number}"}]
            stream = number % 2 == 0
            answer = await client.messages.create(
                model=MODEL, max_tokens=100, messages=messages, stream=stream,
                extra_body={"simulate": {"output_tokens": 20 + number, "token_ms": 2, "first_token_ms": number}},
            )
            return house.plain([event async for event in answer] if stream else answer)

        async def all_of(client):
            # Twice: on new connections, and on those that the first fifty left.
            return [await asyncio.gather(*(ask(client, number) for number in range(50))) for _ in range(2)]

        gate, direct = self.asynchronously(all_of)
        self.assertEqual(gate, direct)

    def test_refusals_are_the_sdks_own_errors(self):
        gate = self.clients[0]
        with self.assertRaises(anthropic.AuthenticationError):
            gate.with_options(api_key="th-unknown").messages.create(model=MODEL, max_tokens=9, messages=HELLO)
        with self.assertRaises(anthropic.NotFoundError):
            gate.messages.create(model="no-such-model", max_tokens=9, messages=HELLO)
        with self.assertRaises(anthropic.BadRequestError):
            gate.messages.create(model=MODEL, max_tokens=9, messages="hello")

    def test_models(self):
        self.assertEqual({model.id for model in self.clients[0].models.list()}, {"sim-large", "sim-sonnet"})


if __name__ == "__main__":
    unittest.main()
