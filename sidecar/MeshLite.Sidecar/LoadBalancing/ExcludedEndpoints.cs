using System.Runtime.CompilerServices;

namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// The endpoints a request has tried already. Lives inside the request's state and allocates nothing. Endpoints are told
/// apart by reference, so the set of endpoints may be replaced between attempts. Holds eight; of more, the last eight.
/// Used by one request, on one thread at a time.
/// </summary>
internal struct ExcludedEndpoints
{
    private const int Capacity = 8;

    private Slots _slots;
    private int _added;

    /// <summary>Endpoints held.</summary>
    public readonly int Count => Math.Min(_added, Capacity);

    /// <summary>Adds one; twice does no harm.</summary>
    public void Add(object endpoint)
    {
        if (!Contains(endpoint))
        {
            _slots[_added++ % Capacity] = endpoint;
        }
    }

    /// <summary>Whether it has been tried.</summary>
    public readonly bool Contains(object endpoint)
    {
        for (var i = 0; i < Count; i++)
        {
            if (ReferenceEquals(_slots[i], endpoint))
            {
                return true;
            }
        }

        return false;
    }

    [InlineArray(Capacity)]
    private struct Slots
    {
        private object? _first;
    }
}
