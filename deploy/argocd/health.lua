-- Argo CD's view of a HAClusterSpec: healthy when Ready, degraded when Stalled or Degraded, else progressing.
local health = {status = "Progressing", message = "Waiting for the operator's first look"}
if obj.status == nil or obj.status.conditions == nil then
  return health
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  health.message = "The operator has not looked at this version yet"
  return health
end
local by_type = {}
for _, condition in ipairs(obj.status.conditions) do
  by_type[condition.type] = condition
end
local function is_true(name)
  return by_type[name] ~= nil and by_type[name].status == "True"
end
if is_true("Stalled") then
  return {status = "Degraded", message = by_type["Stalled"].message}
end
if is_true("Degraded") then
  return {status = "Degraded", message = by_type["Degraded"].message}
end
if is_true("Ready") then
  return {status = "Healthy", message = by_type["Ready"].message}
end
if by_type["Ready"] ~= nil then
  health.message = by_type["Ready"].message
end
return health
