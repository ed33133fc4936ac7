-- SPDX-License-Identifier: MIT
-- wrk: one signed event after the other, ids and signatures read from a file made beforehand, each thread its own part.
local threads = 0

function setup(thread)
    thread:set("part", threads)
    threads = threads + 1
end

function init(args)
    local f = assert(io.open(args[1] .. "." .. part, "r"))
    stamp = f:read("*l")
    local body = assert(io.open(args[2], "r")):read("*a")
    lines = f
    before = "POST /hooks/shop HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nUser-Agent: bench\r\n" ..
        "Content-Length: " .. #body .. "\r\nwebhook-timestamp: " .. stamp .. "\r\nwebhook-id: "
    after = "\r\n\r\n" .. body
end

function request()
    local id, signature = lines:read("*l", "*l")
    if not id then
        wrk.thread:stop()
        return "GET /used-up HTTP/1.1\r\nHost: bench\r\n\r\n"
    end
    return before .. id .. "\r\nwebhook-signature: v1," .. signature .. after
end

function done(summary, latency, requests)
    io.write(string.format('RESULT {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "refused": %d, "failed": %d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
