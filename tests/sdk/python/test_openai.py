"""The official OpenAI SDK, unmodified, through the gateway and straight to the provider: the same answers."""

import asyncio
import json
import unittest

import openai

import house

MODEL = "sim-large"
HELLO = [{"role": "user", "content": "How many tokens passed this gate today?"}]
TOOLS = [{
    "type": "function",
    "function": {
        "name": "toll",
        "description": "The toll of a vehicle.",
        "parameters": {"type": "object", "properties": {"wheels": {"type": "integer"}}, "required": ["wheels"]},
    },
}]
PICTURE = [{"role": "user", "content": [
    {"type": "text", "text": "What is in this picture?"},
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{house.PNG}", "detail": "low"}},
]}]


class OpenAi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = house.House()
        cls.addClassCleanup(cls.house.end)
        cls.options = [{"base_url": f"http://{at}/v1", "api_key": house.KEY, "max_retries": 0}
                       for at in (cls.house.gate, cls.house.direct)]
        cls.clients = [openai.OpenAI(**options) for options in cls.options]

    @classmethod
    def tearDownClass(cls):
        cls.house.check_usage(at_least=110)

    def same(self, **request):
        """One answer of both, compared; streams as the list of their chunks."""
        request = {"model": MODEL, **request}

        def ask(client):
            answer = client.chat.completions.create(**request)
            return house.plain(list(answer) if request.get("stream") else answer), answer

        (gate, answer), (direct, _) = (ask(client) for client in self.clients)
        self.assertEqual(gate, direct)
        return gate, answer

    def test_whole(self):
        shown, answer = self.same(messages=HELLO)
        self.assertTrue(answer.choices[0].message.content)
        self.assertEqual(shown["usage"]["total_tokens"], answer.usage.prompt_tokens + answer.usage.completion_tokens)

    def test_whole_with_everything_a_provider_reports(self):
        simulate = {"input_tokens": 900, "output_tokens": 300, "reasoning_tokens": 120, "cached_tokens": 512}
        _, answer = self.same(messages=HELLO, extra_body={"simulate": simulate}, max_completion_tokens=500)
        self.assertEqual(answer.usage.prompt_tokens_details.cached_tokens, 512)
        self.assertEqual(answer.usage.completion_tokens_details.reasoning_tokens, 120)

    def test_several_choices(self):
        _, answer = self.same(messages=HELLO, n=3, max_completion_tokens=30)
        self.assertEqual(len(answer.choices), 3)

    def test_streamed(self):
        chunks, _ = self.same(messages=HELLO, stream=True)
        self.assertTrue("".join(chunk["choices"][0]["delta"]["content"] or "" for chunk in chunks))
        self.assertFalse(any(chunk["usage"] for chunk in chunks), "usage that nobody asked for")

    def test_streamed_with_usage(self):
        chunks, _ = self.same(messages=HELLO, stream=True, stream_options={"include_usage": True})
        self.assertEqual([bool(chunk["usage"]) for chunk in chunks].count(True), 1)
        self.assertEqual(chunks[-1]["choices"], [])

    def test_tools(self):
        _, answer = self.same(messages=HELLO, tools=TOOLS, extra_body={"simulate": {"tool_calls": 2}})
        calls = answer.choices[0].message.tool_calls
        self.assertEqual([call.function.name for call in calls], ["toll", "toll"])
        results = [{"role": "tool", "tool_call_id": call.id, "content": "4 CNY"} for call in calls]
        message = answer.choices[0].message.model_dump(exclude_none=True)
        self.same(messages=[*HELLO, message, *results], tools=TOOLS)

    def test_tools_streamed(self):
        chunks, _ = self.same(messages=HELLO, tools=TOOLS, stream=True, extra_body={"simulate": {"tool_calls": 1}})
        deltas = [chunk["choices"][0]["delta"]["tool_calls"] for chunk in chunks if chunk["choices"]]
        arguments = "".join(call["function"]["arguments"] or "" for calls in deltas for call in calls or [])
        self.assertIsInstance(json.loads(arguments), dict)

    def test_images(self):
        self.same(messages=PICTURE)
        self.same(messages=PICTURE, stream=True)

    def test_json_schema(self):
        schema = {"name": "toll", "schema": {"type": "object", "properties": {"amount": {"type": "integer"}},
                                             "required": ["amount"], "additionalProperties": False}, "strict": True}
        self.same(messages=HELLO, response_format={"type": "json_schema", "json_schema": schema})

    def asynchronously(self, ask):
        """What `ask(client)` gives through the gateway and straight."""
        async def both():
            shown = []
            for options in self.options:
                async with openai.AsyncOpenAI(**options) as client:
                    shown.append(await ask(client))
            return shown

        return asyncio.run(both())

    def test_async(self):
        async def ask(client):
            whole, streamed = [
                await client.chat.completions.create(model=MODEL, messages=HELLO, stream=stream)
                for stream in (False, True)
            ]
            return house.plain([whole, *[chunk async for chunk in streamed]])

        gate, direct = self.asynchronously(ask)
        self.assertEqual(gate, direct)

    def test_fifty_at_once(self):
        async def ask(client, number):
            messages = [{"role": "user", "content": f"Question {number}"}]
            stream = number % 2 == 0
            answer = await client.chat.completions.create(
                model=MODEL, messages=messages, stream=stream,
                extra_body={"simulate": {"output_tokens": 20 + number, "token_ms": 2, "first_token_ms": number}},
            )
            return house.plain([chunk async for chunk in answer] if stream else answer)

        async def all_of(client):
            # Twice: on new connections, and on those that the first fifty left.
            return [await asyncio.gather(*(ask(client, number) for number in range(50))) for _ in range(2)]

        gate, direct = self.asynchronously(all_of)
        self.assertEqual(gate, direct)

    def test_refusals_are_the_sdks_own_errors(self):
        gate = self.clients[0]
        with self.assertRaises(openai.AuthenticationError):
            gate.with_options(api_key="th-unknown").chat.completions.create(model=MODEL, messages=HELLO)
        with self.assertRaises(openai.NotFoundError) as caught:
            gate.chat.completions.create(model="no-such-model", messages=HELLO)
        self.assertEqual(caught.exception.code, "model_not_found")
        with self.assertRaises(openai.BadRequestError):
            gate.chat.completions.create(model=MODEL, messages="hello")

    def test_models(self):
        listed = {model.id for model in self.clients[0].models.list()}
        self.assertEqual(listed, {"sim-large", "sim-sonnet"})
        self.assertEqual(self.clients[0].models.retrieve(MODEL).id, MODEL)


if __name__ == "__main__":
    unittest.main()
