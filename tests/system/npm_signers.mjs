// SPDX-License-Identifier: MIT
// The libraries of real senders, on request: reads a list of jobs from standard input, writes a list of answers. A job
// { do: "sign" | "verify", recipe, secret, url, body, headers } gets the headers that the library signs, or whether it accepts.
import { createHmac, createPrivateKey, createPublicKey, sign as signWith } from 'crypto';
import { readFileSync } from 'fs';
import { sign as githubSign, verify as githubVerify } from '@octokit/webhooks-methods';
import { verifyKey } from 'discord-interactions';
import bolt from '@slack/bolt/dist/receivers/verify-request.js';
import Stripe from 'stripe';
import { Webhook as Standard } from 'standardwebhooks';
import { Webhook as Svix } from 'svix';
import twilio from 'twilio';

const now = () => Math.floor(Date.now() / 1000);
const stripe = new Stripe('sk_test_x').webhooks;
const id = () => 'msg_' + process.pid + '_' + process.hrtime.bigint();

// As a web framework hands a form to the library: a name that comes twice has a list.
function form(body) {
    const pairs = new URLSearchParams(body), out = {};
    for (const name of pairs.keys())
        out[name] = pairs.getAll(name).length > 1 ? pairs.getAll(name) : pairs.get(name);
    return out;
}

// Discord publishes a public key and keeps the seed.
const seedKey = (hex) => createPrivateKey({ key: Buffer.from('302e020100300506032b657004220420' + hex, 'hex'), format: 'der', type: 'pkcs8' });
const publicHex = (hex) => createPublicKey(seedKey(hex)).export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');

const standard = (Webhook, prefix) => ({
    sign({ secret, body }) {
        const at = new Date(), message = id();
        return { [prefix + 'id']: message, [prefix + 'timestamp']: String(Math.floor(at / 1000)),
                 [prefix + 'signature']: new Webhook(secret).sign(message, at, body) };
    },
    verify: ({ secret, body, headers }) => !!new Webhook(secret).verify(body, headers),
});

const senders = {
    'standard-webhooks': standard(Standard, 'webhook-'),
    svix: standard(Svix, 'svix-'),
    github: {
        sign: async ({ secret, body }) => ({ 'x-hub-signature-256': await githubSign(secret, body), 'x-github-event': 'push',
                                             'x-github-delivery': id() }),
        verify: ({ secret, body, headers }) => githubVerify(secret, body, headers['x-hub-signature-256']),
    },
    stripe: {
        sign: ({ secret, body }) => ({ 'stripe-signature': stripe.generateTestHeaderString({ payload: body, secret }) }),
        verify: ({ secret, body, headers }) => !!stripe.constructEvent(body, headers['stripe-signature'], secret),
    },
    twilio: {
        sign: ({ secret, url, body }) => ({ 'x-twilio-signature': twilio.getExpectedTwilioSignature(secret, url, form(body)) }),
        verify: ({ secret, url, body, headers }) => twilio.validateRequest(secret, headers['x-twilio-signature'], url, form(body)),
    },
    slack: {
        // The library has no signer; this is the documented way, docs.slack.dev/authentication/verifying-requests-from-slack
        sign({ secret, body }) {
            const at = now();
            return { 'x-slack-request-timestamp': String(at),
                     'x-slack-signature': 'v0=' + createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex') };
        },
        verify: ({ secret, body, headers }) => bolt.isValidSlackRequest({ signingSecret: secret, body, headers: {
            'x-slack-signature': headers['x-slack-signature'], 'x-slack-request-timestamp': Number(headers['x-slack-request-timestamp']) } }),
    },
    discord: {
        sign({ secret, body }) {
            const at = String(now());
            return { 'x-signature-timestamp': at,
                     'x-signature-ed25519': signWith(null, Buffer.from(at + body), seedKey(secret)).toString('hex') };
        },
        verify: ({ secret, body, headers }) => verifyKey(body, headers['x-signature-ed25519'], headers['x-signature-timestamp'], publicHex(secret)),
    },
};

async function answer(job) {
    const sender = senders[job.recipe];
    if (job.do === 'sign')
        return sender.sign(job);
    try {
        return await sender.verify(job);
    } catch (e) {
        return String(e);
    }
}

const jobs = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(await Promise.all(jobs.map(answer))));
