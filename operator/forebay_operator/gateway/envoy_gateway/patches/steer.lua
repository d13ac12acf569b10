-- Sends what no data plane has decided to one pool, with its model in the body; stands behind bypass.lua in one chunk.
-- The route's filter context says where to, and of which requests; what is `shown` of it is for people:
-- {model = "...", limit = 1048576, cluster = "pool/ns/name", paths = {["/v1/chat/completions"] = true}, shown = {pool = "ns/name", ...}}.

local rewrite = envoy_on_request

local function is_undecided_call(handle)
  if handle:streamInfo():dynamicMetadata():get("forebay") then return false end -- a data plane has answered
  local headers = handle:headers()
  local path = string.match(headers:get(":path") or "", "^[^?#]*")
  return headers:get(":method") == "POST" and handle:filterContext():get("paths")[path]
end

function envoy_on_request(handle)
  if not is_undecided_call(handle) then return end
  rewrite(handle) -- waits for the body: what was got from the handle before is void
  local headers, metadata, context = handle:headers(), handle:streamInfo():dynamicMetadata(), handle:filterContext()
  for field, value in pairs(context:get("shown")) do
    metadata:set("forebay", field, value)
  end
  metadata:set("forebay", "decision-id", headers:get("x-request-id") or "")
  headers:replace("x-forebay-cluster", context:get("cluster"))
  handle:clearRouteCache()
end
