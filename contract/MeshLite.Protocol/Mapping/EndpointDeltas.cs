using MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Mapping;

/// <summary>
/// What changed between two sets of endpoints, and back: the sender makes the difference to what the stream last had,
/// the receiver applies it and checks the hash of the result. An endpoint's key is its address and port. Pure.
/// </summary>
public static class EndpointDeltas
{
    /// <summary>The contract's order: address (ordinal, as text), then port.</summary>
    public static IComparer<Endpoint> Order { get; } = Comparer<Endpoint>.Create(static (a, b) =>
        string.CompareOrdinal(a.Address, b.Address) is var byAddress and not 0 ? byAddress : a.Port.CompareTo(b.Port));

    /// <summary><c>address:port</c>, <c>[v6]:port</c>.</summary>
    public static string KeyOf(Endpoint endpoint) =>
        endpoint.Address.Contains(':') ? $"[{endpoint.Address}]:{endpoint.Port}" : $"{endpoint.Address}:{endpoint.Port}";

    /// <summary>What turns one set into the other.</summary>
    public static EndpointsDelta Diff(Endpoints from, Endpoints to)
    {
        var before = ByKey(from);
        var after = ByKey(to);
        return new()
        {
            BaseVersion = ContentHash.Of(from),
            Upserted = { after.Where(e => !before.TryGetValue(e.Key, out var old) || !old.Equals(e.Value)).Select(e => e.Value).Order(Order) },
            Removed = { before.Keys.Where(key => !after.ContainsKey(key)).Order(StringComparer.Ordinal) },
        };
    }

    /// <summary>The set after the change, in <see cref="Order"/>. Whether it was made for this base is for the caller to check.</summary>
    public static Endpoints Apply(Endpoints from, EndpointsDelta delta)
    {
        var result = ByKey(from);
        foreach (var key in delta.Removed)
        {
            result.Remove(key);
        }

        foreach (var endpoint in delta.Upserted)
        {
            result[KeyOf(endpoint)] = endpoint;
        }

        return new() { Endpoints_ = { result.Values.Order(Order) } };
    }

    private static Dictionary<string, Endpoint> ByKey(Endpoints endpoints)
    {
        var byKey = new Dictionary<string, Endpoint>(endpoints.Endpoints_.Count, StringComparer.Ordinal);
        foreach (var endpoint in endpoints.Endpoints_)
        {
            byKey[KeyOf(endpoint)] = endpoint;
        }

        return byKey;
    }
}
