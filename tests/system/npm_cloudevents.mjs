// SPDX-License-Identifier: MIT
// The CloudEvents SDK for JavaScript, on request: reads { make: [event, …] } or { read: [message, …] } from standard input. Made are for
// each event its messages { headers, body } in binary and structured mode, and of all of them a batch; read are messages into events.
import { CloudEvent, CONSTANTS, HTTP } from 'cloudevents';
import { readFileSync } from 'fs';

const asked = JSON.parse(readFileSync(0, 'utf8'));
if (asked.make) {
    const events = asked.make.map((e) => new CloudEvent(e));
    const structured = events.map((e) => HTTP.structured(e));
    const batch = { headers: { 'content-type': CONSTANTS.MIME_CE_BATCH }, body: '[' + structured.map((m) => m.body).join(',') + ']' };
    console.log(JSON.stringify({ binary: events.map((e) => HTTP.binary(e)), structured, batch }));
} else {
    console.log(JSON.stringify(asked.read.map((m) => HTTP.toEvent(m))));
}
