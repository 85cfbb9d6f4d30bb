"""What hostile requests are made of."""

from typing import Any

POSTED = ["/generate", "/v1/completions", "/v1/chat/completions"]
HONEST = {
    "/generate": {"prompt": "Question: Which names?", "max_tokens": 4},
    "/v1/completions": {"model": "tiny", "prompt": "Question: Which names?", "max_tokens": 4},
    "/v1/chat/completions": {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Which names?"}],
        "max_tokens": 4,
    },
}
FIELDS = {
    "/generate": (
        "prompt question context instances max_tokens temperature top_p stop seed stream n"
    ),
    "/v1/completions": (
        "model prompt max_tokens n logprobs prompt_logprobs stop echo suffix best_of seed user "
        "temperature top_p top_k min_p min_tokens logit_bias stop_token_ids allowed_token_ids "
        "truncate_prompt_tokens truncation_side add_special_tokens response_format priority stream "
        "structured_outputs request_id cache_salt stream_options vllm_xargs repetition_detection "
        "prompt_embeds kv_transfer_params use_beam_search length_penalty logprob_token_ids "
        "ignore_eos frequency_penalty presence_penalty thinking_token_budget bad_words"
    ),
    "/v1/chat/completions": (
        "model messages max_tokens max_completion_tokens n logprobs top_logprobs tools tool_choice "
        "response_format chat_template chat_template_kwargs add_generation_prompt documents seed "
        "continue_final_message mm_processor_kwargs structured_outputs temperature stream echo "
        "reasoning_effort include_reasoning parallel_tool_calls prompt_logprobs logit_bias stop"
    ),
}
TEXTS = [
    "",
    " ",
    "x",
    "\0",
    "\ud800",
    "\u202e",
    "é" * 300,
    "<eos>",
    "{question}",
    "%s%n",
    "name " * 900,
]
NUMBERS = [-1, 0, 1, 2, 3.5, -0.0, 1e308, 2**31, 2**63, 10**30, 512, 100_000, True]
# Shapes that reach deeper into vLLM than a wrong type does.
DEEP: list[dict[str, Any]] = [
    {"structured_outputs": {"regex": "(a|a)*" * 40 + "b"}},
    {"structured_outputs": {"regex": "((a{1,99}){1,99}){1,99}"}},
    {"structured_outputs": {"regex": "(("}},
    {"structured_outputs": {"grammar": "root ::= root root"}},
    {"structured_outputs": {"json": {"type": "nothing", "$ref": "#/x"}}},
    {"structured_outputs": {"choice": []}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"a": 1}}}},
    {"response_format": {"type": "json_object"}},
    {"prompt": [2**31, 5]},
    {"prompt": [511, 512, 513, 100_000]},
    {"prompt": [[]]},
    {"prompt": []},
    {"prompt": ["x", ""]},
    {"prompt": ["x"] * 20},
    {"prompt": [1] * 300},
    {"prompt": "", "prompt_logprobs": 1},
    {"prompt": None},
    {"n": 20},
    {"n": 1000},
    {"n": 4, "use_beam_search": True},
    {"logprobs": 10**6},
    {"prompt_logprobs": -1},
    {"logit_bias": {"99999": 5}},
    {"logit_bias": {"x": 5}},
    {"logit_bias": {"1": 1e300}},
    {"allowed_token_ids": [99999]},
    {"allowed_token_ids": []},
    {"stop_token_ids": [-5, 2**62]},
    {"bad_words": ["", " "]},
    {"min_tokens": 10, "max_tokens": 3},
    {"max_tokens": 0, "echo": True, "logprobs": 1},
    {"stop": ["x"] * 1000},
    {"temperature": 1e-300},
    {"temperature": 2, "top_k": 2**40},
    {"min_p": 1.5},
    {"stream": True, "stream_options": {"include_usage": True, "continuous_usage_stats": True}},
    {"stream": True, "n": 3},
    {"request_id": "same"},
    {"cache_salt": "x" * 2000},
    {"chat_template": "{% for i in range(10**9) %}x{% endfor %}"},
    {"chat_template_kwargs": {"add_generation_prompt": [], "messages": 5}},
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": [[[]]]}}}]},
    {"tool_choice": "required"},
    {"messages": []},
    {"messages": [{"role": "tool", "content": None}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "data:,"}]}]},
    {"messages": [{"role": "user", "content": [{"type": "x"}] * 100}]},
    {"truncate_prompt_tokens": -1},
    {"prompt_embeds": "AAAA"},
    {"kv_transfer_params": {"do_remote_decode": True}},
]
PATHS = [
    *("//generate", "/generate/", "/generate%2f", "/%67enerate", "/v1/../metrics", "/metrics/"),
    *("/v1/%2e%2e/metrics", "/v1/load_lora_adapter", "/v1/unload_lora_adapter", "/v1/responses"),
    *("/scale_elastic_ep", "/pause", "/collective_rpc", "/sleep", "/docs", "/tokenize", "/", "*"),
    *("/v1/completions?x=" + "y" * 5000, "/generate?prompt=x", "/%00", "/%ff%fe", "/a" * 9000),
    *("http://other/metrics", "/v1/chat/completions/render", "/invocations", "/lineage#x"),
]
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND"]
