-- One hop of a fallback chain: may this pool serve the request, and how must its body read?
-- x-forebay-hops: |pool=model@start:length:text,start:length:text|pool=model@|
-- model is a name as it stands (no "|" in it), text is percent-encoded; starts count bytes of the body as it stands, from 0, in ascending order.
-- The route's filter context says which pool this is: {pool = "namespace/name"}.

local REFUSED = '{"error":{"message":"None of the pools that may serve this request could.",'
  .. '"type":"service_unavailable_error","param":null,"code":"no_pool_available"}}'

local function refuse(handle)
  handle:respond({ [":status"] = "503", ["content-type"] = "application/json" }, REFUSED)
end

local function decoded(text)
  return (string.gsub(text, "%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- The body with its edits applied; nil where an edit does not fit the body.
local function edited(text, edits)
  local pieces, at = {}, 1
  for start, length, replacement in string.gmatch(edits, "(%d+):(%d+):([^,]*)") do
    local from = tonumber(start) + 1
    local past = from + tonumber(length)
    if from < at or past > #text + 1 then return nil end
    pieces[#pieces + 1] = string.sub(text, at, from - 1)
    pieces[#pieces + 1] = decoded(replacement)
    at = past
  end
  pieces[#pieces + 1] = string.sub(text, at)
  return table.concat(pieces)
end

function envoy_on_request(handle)
  local pool = handle:filterContext():get("pool")
  local hops = handle:headers():get("x-forebay-hops") or ""
  local _, equals = string.find(hops, "|" .. pool .. "=", 1, true)
  local bar = equals and string.find(hops, "|", equals + 1, true)
  if not bar then return refuse(handle) end
  local model, edits = string.match(string.sub(hops, equals + 1, bar - 1), "^(.*)@([^@]*)$")
  if not model then return refuse(handle) end

  local metadata = handle:streamInfo():dynamicMetadata()
  metadata:set("forebay", "pool", pool)
  metadata:set("forebay", "model", model)
  if edits == "" then return end

  local body = handle:body()
  local changed = body and edited(body:getBytes(0, body:length()), edits)
  if not changed then return refuse(handle) end
  body:setBytes(changed)
  if handle:headers():get("content-length") then
    handle:headers():replace("content-length", tostring(#changed))
  end
end
