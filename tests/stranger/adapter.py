"""An adapter for gogogotoken (docs.gogogotoken.ai), asked by `seedream conformance run --exec 'python3 tests/stranger/adapter.py'`."""
import json
import sys

SIZE = {"pixels": {"min": 3686400, "max": 16777216, "max_aspect": 16}, "default": "2048x2048"}
RULES = {
    "size": SIZE,
    "images": {"advised_max": 15},  # the page states no largest n
    "fields": {"response_format": {"support": "honoured", "values": ["url", "b64_json"], "default": "url"}},
}
DESCRIPTION = {
    "id": "gogogotoken",
    "document": "docs.gogogotoken.ai/overseas/seedream-images",
    "base_urls": ["https://gogogotoken.ai"],
    "default_model": "doubao-seedream-5-0-lite",
    "capabilities": {"members": {"names": ["model", "prompt", "n", "size", "response_format"]}},
    "models": [
        {"id": "doubao-seedream-5-0-lite", "family": "seedream-5.0-lite", "capabilities": RULES},
        {"id": "doubao-seedream-4-5", "family": "seedream-4.5", "capabilities": RULES},
    ],
    "unknown": {**RULES, "size": {}},
}
CODES = {"InvalidParameter": "invalid_request", "invalid_api_key": "authentication", "access_denied": "permission_denied",
         "InternalServiceError": "server", "ServerOverloaded": "overloaded"}
STATUSES = {401: "authentication", 402: "balance", 403: "permission_denied", 404: "unsupported", 405: "unsupported",
            408: "timeout", 429: "rate_limited", 499: "timeout", 501: "unsupported", 504: "timeout"}


def body_of(checked):
    request = checked["request"]
    count = request.get("count")
    body = {"model": checked["model"], "prompt": request["prompt"], "n": count, "size": checked["size"],
            "response_format": request.get("response_format")}
    return {name: value for name, value in body.items() if value is not None} | request.get("extra", {})


def kind_of(status, code):
    if code.endswith("RateLimitExceeded"):
        return "rate_limited"
    general = "config" if 300 <= status < 400 else "invalid_request" if 400 <= status < 500 else "server"
    return CODES.get(code) or STATUSES.get(status, general)


def error_of(status, answer):
    error = answer.get("error") if isinstance(answer, dict) else None
    error = error if isinstance(error, dict) else answer if isinstance(answer, dict) and "message" in answer else {}
    code = "" if error.get("code") is None else str(error["code"])
    message = str(error.get("message") or "the provider gives no reason")
    return {"kind": kind_of(status, code), "code": code or None, "message": message, "param": error.get("param")}


def picture_of(index, item, created):
    item = item if isinstance(item, dict) else {}
    known = {name: item[name] for name in ("size",) if isinstance(item.get(name), str)}
    if isinstance(item.get("url"), str) and item["url"]:
        return {"index": index, "url": item["url"], "expires_at": created and created + 86400} | known
    if isinstance(item.get("b64_json"), str) and item["b64_json"]:
        return {"index": index, "base64": item["b64_json"]} | known
    return {"index": index, "error": error_of(200, item)}


def decode(response):
    try:
        answer = json.loads(response["body"])
    except ValueError:
        answer = None
    if not 200 <= response["status"] < 300:
        return {"error": error_of(response["status"], answer)}
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
        if isinstance(answer, dict) and (answer.get("error") or "code" in answer):
            return {"error": error_of(response["status"], answer)}
        return {"error": {"kind": "malformed_response", "message": "the answer is a success without `data`"}}
    created = answer.get("created") if type(answer.get("created")) is int else None
    usage, model = answer.get("usage"), answer.get("model")
    return {"images": [picture_of(index, item, created) for index, item in enumerate(answer["data"])], "created": created,
            "reported_model": model if isinstance(model, str) else None, "usage": usage if isinstance(usage, dict) else {}}


METHODS = {
    "describe": lambda params: DESCRIPTION,
    "encode": lambda params: {"method": "POST", "path": "/v1/images/generations", "json": body_of(params["checked"])},
    "decode": lambda params: decode(params["response"]),
    "effective": lambda params: {"n": 1, "size": "2048x2048", "response_format": "url"} | params["json"],
}

for line in sys.stdin:
    question = json.loads(line)
    result = METHODS[question["method"]](question["params"])
    print(json.dumps({"id": question["id"], "result": result}), flush=True)
