using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MeshLite.ControlPlane.Status;

/// <summary>
/// A condition as Kubernetes has it (https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/1623-standardize-conditions), types and
/// reasons those of the Gateway API. Immutable.
/// </summary>
internal sealed record Condition(string Type, string Status, string Reason, string Message)
{
    public const string Accepted = "Accepted";
    public const string ResolvedRefs = "ResolvedRefs";
    public const string Programmed = "Programmed";

    public const string True = "True";
    public const string False = "False";
    public const string Unknown = "Unknown";

    /// <value>Of a message: what is longer is cut. 1,024 characters.</value>
    private const int MaxMessage = 1024;

    /// <summary>In a plain sentence; at most <see cref="MaxMessage"/>.</summary>
    public string Message { get; } = Message.Length <= MaxMessage ? Message : string.Concat(Message.AsSpan(0, MaxMessage - 1), "…");

    /// <summary>The generation it is about.</summary>
    public long ObservedGeneration { get; init; }

    /// <summary>When <see cref="Status"/> was last another, to the second.</summary>
    public DateTimeOffset LastTransitionTime { get; init; }

    /// <summary>Whether it says the same; the time follows from that.</summary>
    public bool Says(Condition? other) =>
        other is not null && (Type, Status, Reason, Message, ObservedGeneration) == (other.Type, other.Status, other.Reason, other.Message, other.ObservedGeneration);
}

/// <summary>The status of an object of ours. Immutable. Conditions that are not ours stay as they are.</summary>
internal sealed record ObjectStatus(long ObservedGeneration, ImmutableArray<Condition> Conditions)
{
    /// <summary>Says nothing yet.</summary>
    public static readonly ObjectStatus None = new(0, []);

    /// <summary>The condition of that type.</summary>
    public Condition? this[string type] => Conditions.FirstOrDefault(c => c.Type == type);

    /// <summary>Whether writing it over <paramref name="stored"/> would change anything.</summary>
    public bool Says(ObjectStatus stored) => ObservedGeneration == stored.ObservedGeneration && Conditions.All(c => c.Says(stored[c.Type]));

    /// <summary>Reads <c>status</c> of an object; what it cannot read is not there.</summary>
    public static ObjectStatus Read(JsonElement item)
    {
        if (!item.TryGetProperty("status", out var status) || status.ValueKind != JsonValueKind.Object)
        {
            return None;
        }

        var conditions = status.TryGetProperty("conditions", out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().Select(ReadCondition).OfType<Condition>() : [];
        return new ObjectStatus(Number(status, "observedGeneration"), [.. conditions]);
    }

    /// <summary>The merge patch that makes it so, refused if the object is no longer at <paramref name="resourceVersion"/>.</summary>
    public byte[] ToPatch(string resourceVersion)
    {
        var conditions = Conditions.Select(c => (JsonNode)new JsonObject
        {
            ["type"] = c.Type, ["status"] = c.Status, ["observedGeneration"] = c.ObservedGeneration,
            ["lastTransitionTime"] = c.LastTransitionTime.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            ["reason"] = c.Reason, ["message"] = c.Message,
        });
        return Encoding.UTF8.GetBytes(new JsonObject
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = resourceVersion },
            ["status"] = new JsonObject { ["observedGeneration"] = ObservedGeneration, ["conditions"] = new JsonArray([.. conditions]) },
        }.ToJsonString());
    }

    private static Condition? ReadCondition(JsonElement condition) => condition.ValueKind != JsonValueKind.Object ? null
        : new Condition(Text(condition, "type"), Text(condition, "status"), Text(condition, "reason"), Text(condition, "message"))
        {
            ObservedGeneration = Number(condition, "observedGeneration"),
            LastTransitionTime = DateTimeOffset.TryParse(Text(condition, "lastTransitionTime"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : default,
        };

    private static string Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static long Number(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : 0;
}
