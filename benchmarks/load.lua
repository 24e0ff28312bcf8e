-- Submissions by wrk, each with an address of its own; says what came of them as JSON.
local id, number = os.getenv("LOAD_ID"), 0
local form = io.open(os.getenv("LOAD_FORM"), "rb"):read("*a")
local first, last = form:match("^(.-)@ADDRESS@(.*)$")
wrk.method = "POST"
wrk.headers["Content-Type"] = "multipart/form-data; boundary=" .. os.getenv("LOAD_BOUNDARY")

function setup(thread) client = thread end

function init() refused, last_refusal = 0, 0 end

function request()
  number = number + 1
  return wrk.format(nil, "/public/leads", nil, first .. id .. "-" .. number .. "@example.com" .. last)
end

function response(status)
  if status ~= 201 then refused, last_refusal = refused + 1, status end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "seconds": %f, "mean": %f, "p99": %f, "longest": %f, "refused": %d, "last_refusal": %d, "lost": %d, "late": %d}\n',
    summary.requests, summary.duration / 1e6, latency.mean / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    client:get("refused"), client:get("last_refusal"), errors.connect + errors.read + errors.write, errors.timeout))
end
