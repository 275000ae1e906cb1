"""An adapter for Harbour Pictures, whose document is harbour.txt and whose facts are in fixtures/harbour."""
import json
import sys


def rules(least, seed):
    return {
        "size": {"pixels": {"min": least, "max": 16777216, "max_aspect": 16}, "default": "2048x2048"},
        "images": {"max": 8},
        "fields": {"response_format": {"support": "honoured", "values": ["url", "b64_json"], "default": "url"},
                   "watermark": {"support": "honoured", "default": False},
                   "seed": {"support": seed, "range": [0, 2147483647]}},
    }


DESCRIPTION = {
    "id": "harbour",
    "document": "harbour",
    "base_urls": ["https://api.harbour.example/v2"],
    "default_model": "harbour-large",
    "capabilities": {"members": {"names": ["model", "text", "pictures", "pixels", "deliver", "mark", "seed"]}},
    "abilities": ["catalog"],
    "models": [
        {"id": "harbour-large", "family": "seedream-4.5", "capabilities": rules(3686400, "honoured")},
        {"id": "harbour-classic", "family": "seedream-4.0", "capabilities": rules(921600, "refused")},
    ],
    "unknown": {**rules(1, "honoured"), "size": {}},
}
CODES = {"bad_value": "invalid_request", "unsuitable": "content_rejected", "withheld": "content_rejected", "bad_key": "authentication",
         "empty": "balance", "slow_down": "rate_limited", "full": "overloaded", "broken": "server"}
WHERE = {"unsuitable": {"stage": "input", "medium": "text"}, "withheld": {"stage": "output", "medium": "image"}}
STATUSES = {401: "authentication", 402: "balance", 403: "permission_denied", 404: "unsupported", 405: "unsupported",
            408: "timeout", 429: "rate_limited", 499: "timeout", 501: "unsupported", 504: "timeout"}


def body_of(checked):
    request = checked["request"]
    body = {"model": checked["model"], "text": request["prompt"], "pictures": request.get("count"), "pixels": checked["size"],
            "deliver": request.get("response_format"),
            "mark": request.get("watermark"), "seed": request.get("seed")}
    return {name: value for name, value in body.items() if value is not None} | request.get("extra", {})


def kind_of(status, code):
    general = "config" if 300 <= status < 400 else "invalid_request" if 400 <= status < 500 else "server"
    return CODES.get(code) or STATUSES.get(status, general)


def error_of(status, answer):
    error = answer.get("error") if isinstance(answer, dict) else None
    error = error if isinstance(error, dict) else answer if isinstance(answer, dict) and "message" in answer else {}
    code = "" if error.get("code") is None else str(error["code"])
    message = str(error.get("message") or "the provider gives no reason")
    return {"kind": kind_of(status, code), "code": code or None, "message": message, "param": error.get("param")} \
        | WHERE.get(code, {})


def picture_of(index, item, created):
    item = item if isinstance(item, dict) else {}
    known = {name: item[name] for name in ("size",) if isinstance(item.get(name), str)}
    if isinstance(item.get("url"), str) and item["url"]:
        return {"index": index, "url": item["url"], "expires_at": created and created + 6 * 3600} | known
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


def models(response):
    read = decode(response) if not 200 <= response["status"] < 300 else None
    if read:
        return read
    try:
        return {"models": [item["id"] for item in json.loads(response["body"])["data"]]}
    except (ValueError, TypeError, KeyError):
        return {"error": {"kind": "malformed_response", "message": "the answer is no list of models"}}


METHODS = {
    "describe": lambda params: DESCRIPTION,
    "encode": lambda params: {"method": "POST", "path": "/pictures", "json": body_of(params["checked"])},
    "decode": lambda params: decode(params["response"]),
    "effective": lambda params: {"pictures": 1, "pixels": "2048x2048", "deliver": "url", "mark": False} | params["json"],
    "models": lambda params: {"method": "GET", "path": "/models"},
    "decode_models": lambda params: models(params["response"]),
}

for line in sys.stdin:
    question = json.loads(line)
    result = METHODS[question["method"]](question["params"])
    print(json.dumps({"id": question["id"], "result": result}), flush=True)
