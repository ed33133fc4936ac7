# SPDX-License-Identifier: MIT
"""CloudEvents in all modes through a real web server, against a schema, up to the function; and forms and XML untouched."""
import json

import creel
from creel import Host, check

STRUCTURED, BATCH = "application/cloudevents+json; charset=utf-8", "application/cloudevents-batch+json"
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


def event(n, data=None, **more):
    return {"specversion": "1.0", "id": str(n), "source": "/shop", "type": "order.paid", "data": {"n": n} if data is None else data, **more}


def host():
    h = Host()
    h.settings["sources"] = {
        "cloud": h.source("cloud", recipe="none", envelope="cloudevents", webhook_origins=["eventgrid.azure.net"], order_key="json:/n"),
        "form": h.source("form", recipe="none", type=["form:event", "const:other"])}
    for source in h.settings["sources"].values():
        source["allow_unsigned"] = True
    del h.settings["sources"]["cloud"]["type"]
    with open(h.path("schemas/order.paid.json"), "w") as f:
        json.dump(SCHEMA, f)
    h.write_config()
    h.sidecar("record", {"sources": ["cloud"]})  # unsigned: only functions that name the source
    h.function("record", creel.code("record"), OUT=h.path("out/out"), TYPES="order.paid")
    return h.start()


def refused(a, status, text):
    check(a.status == status and text in a.json()["detail"], f"{text}: {a}")
    return a.json()


def test_modes_and_contract():
    with host() as h:
        via = creel.nginx(h)

        def post(body, content_type, path="/hooks/cloud", **headers):
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            return h.post(data, {"content-type": content_type, **{k.replace("_", "-"): v for k, v in headers.items()}}, path, via=via)
        binary = {"ce_specversion": "1.0", "ce_source": "/shop", "ce_type": "order.paid"}
        ids = [post({"n": 1}, "application/json", ce_id="1", **binary).json()["id"], post(event(2), STRUCTURED).json()["id"]]
        a = post([event(1), event(3), event(4), event(3)], BATCH)
        said = a.json()
        check(a.status == 202 and [e["status"] for e in said["events"]] == ["duplicate", "accepted", "accepted", "duplicate"], f"batch: {a}")
        check(said["events"][0]["id"] == ids[0] and said["events"][3]["id"] == said["events"][1]["id"], f"ids: {a}")
        ids += [e["id"] for e in said["events"][1:3]]
        check(post([event(1), event(3)], BATCH).status == 200, "a batch of duplicates")
        # The contract holds in each mode, and no batch is taken in part.
        refused(post({"n": "x"}, "application/json", ce_id="5", **binary), 422, "/n")
        refused(post(event(5, {"n": "x"}), STRUCTURED), 422, "/n")
        refused(post(event(5, {"n": "x"}, datacontenttype="text/plain"), STRUCTURED), 422, "no JSON")
        errors = refused(post([event(5), event(6, {})], BATCH), 422, "event 2: ")["errors"]
        check(errors[0]["keyword"] == "required", f"errors: {errors}")
        h.wait_all(ids, "done")
        check(sorted(line.split()[0] for line in h.outputs()) == sorted(ids), f"runs: {h.outputs()}")
        shown = h.show(ids[3])
        check(json.loads(shown["body"]) == event(4) and dict(shown["headers"])["content-type"].startswith("application/cloudevents+json"), f"{shown}")
        check(shown["order_key"] == "4" and shown["event_id"] == "/shop#4", f"{shown}")
        # Who asks for leave to send gets it, without a proof.
        leave = h.post(b"", {"webhook-request-origin": "eventgrid.azure.net"}, "/hooks/cloud", "OPTIONS", via=via)
        check(leave.status == 200 and leave.headers.get("webhook-allowed-origin") == "eventgrid.azure.net", f"leave: {leave.headers}")
        # Forms are looked into, XML is not, and neither is changed.
        for body, kind, event_type in ((b"event=order.shipped&x=%26", "application/x-www-form-urlencoded", "order.shipped"),
                                       (b"<a href='?event=order.shipped'/>", "application/xml", "other")):
            shown = h.show(post(body, kind, "/hooks/form").json()["id"])
            check(shown["type"] == event_type and shown["body"].encode() == body, f"{kind}: {shown}")
        h.finish()


def test_batches_survive_a_kill():
    with host() as h:
        answers = creel.together(8, lambda i: h.post(json.dumps([event(100 * i + k) for k in range(20)]).encode(), {"content-type": BATCH}, "/hooks/cloud"))
        check(all(a.status == 202 for a in answers), f"{answers}")
        ids = [e["id"] for a in answers for e in a.json()["events"]]
        h.process.kill()
        h.process.wait()
        h.allow(".*")
        h.start()
        again = [h.post(json.dumps([event(100 * i + k) for k in range(20)]).encode(), {"content-type": BATCH}, "/hooks/cloud") for i in range(8)]
        check(all(a.status == 200 for a in again), f"{again}")
        check([e["id"] for a in again for e in a.json()["events"]] == ids, "other ids after the kill")
        h.wait_all(ids, "done")
        h.finish()


creel.main(globals())
