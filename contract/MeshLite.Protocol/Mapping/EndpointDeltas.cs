using Google.Protobuf.Collections;
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
    /// <param name="from">Before.</param>
    /// <param name="to">After.</param>
    /// <param name="baseVersion">Version of <paramref name="from"/>, where it is known; null: it is computed.</param>
    public static EndpointsDelta Diff(Endpoints from, Endpoints to, string? baseVersion = null)
    {
        var delta = new EndpointsDelta { BaseVersion = baseVersion ?? ContentHash.Of(from) };
        var (before, after) = (Ordered(from.Endpoints_), Ordered(to.Endpoints_));
        for (int i = 0, j = 0; i < before.Count || j < after.Count;)
        {
            var order = i == before.Count ? 1 : j == after.Count ? -1 : Order.Compare(before[i], after[j]);
            if (order < 0)
            {
                delta.Removed.Add(KeyOf(before[i]));
            }
            else if (order > 0 || (!ReferenceEquals(before[i], after[j]) && !before[i].Equals(after[j])))
            {
                delta.Upserted.Add(after[j]);
            }

            (i, j) = (order <= 0 ? i + 1 : i, order >= 0 ? j + 1 : j);
        }

        return delta;
    }

    /// <summary>The set after the change, in <see cref="Order"/>. Whether it was made for this base is for the caller to check.</summary>
    public static Endpoints Apply(Endpoints from, EndpointsDelta delta)
    {
        var removed = delta.Removed.ToHashSet(StringComparer.Ordinal);
        var result = new Endpoints();
        var (before, upserted) = (Ordered(from.Endpoints_), Ordered(delta.Upserted));
        for (int i = 0, j = 0; i < before.Count || j < upserted.Count;)
        {
            // Of one upserted twice the later counts.
            if (j + 1 < upserted.Count && Order.Compare(upserted[j], upserted[j + 1]) == 0)
            {
                j++;
                continue;
            }

            var order = i == before.Count ? 1 : j == upserted.Count ? -1 : Order.Compare(before[i], upserted[j]);
            if (order >= 0)
            {
                result.Endpoints_.Add(upserted[j++]);
            }
            else if (removed.Count == 0 || !removed.Contains(KeyOf(before[i])))
            {
                result.Endpoints_.Add(before[i]);
            }

            i += order <= 0 ? 1 : 0;
        }

        return result;
    }

    /// <summary>Whether they stand in <see cref="Order"/>.</summary>
    internal static bool IsOrdered(RepeatedField<Endpoint> endpoints)
    {
        for (var i = 1; i < endpoints.Count; i++)
        {
            if (Order.Compare(endpoints[i - 1], endpoints[i]) > 0)
            {
                return false;
            }
        }

        return true;
    }

    private static IReadOnlyList<Endpoint> Ordered(RepeatedField<Endpoint> endpoints) => IsOrdered(endpoints) ? endpoints : [.. endpoints.Order(Order)];
}
