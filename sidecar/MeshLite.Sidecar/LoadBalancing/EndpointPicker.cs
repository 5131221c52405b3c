using System.Buffers;
using System.Runtime.CompilerServices;

namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// Picks endpoints out of one fixed list: made anew when the list changes, shared by all requests, lock-free. Endpoints
/// that are out are left out unless all are; of the rest, those the caller has tried (it excludes them) unless it has
/// tried all: a request always goes somewhere. An endpoint that is out and may be probed gets the request.
/// While endpoints of the list are new (<see cref="SlowStart"/>), a pick of such a one is kept only with probability by its
/// share, and drawn again otherwise: whatever the algorithm, it gets that fraction of what it would get.
/// </summary>
internal abstract class EndpointPicker<TEndpoint>
    where TEndpoint : class, ILoadBalanced
{
    private const int MaxOnStack = 128;

    private readonly SlowStart? _slowStart;
    private readonly long _youngest = SlowStart.AlwaysThere;

    // Turns false once; whoever reads it late does a little too much.
    private bool _warming;

    private protected EndpointPicker(TEndpoint[] endpoints, Random random, SlowStart? slowStart)
    {
        foreach (var endpoint in endpoints)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(endpoint.Weight, 1, nameof(endpoints));
            HasEqualWeights &= endpoint.Weight == endpoints[0].Weight;
            MaxWeight = Math.Max(MaxWeight, endpoint.Weight);
            _youngest = Math.Max(_youngest, endpoint.JoinedAt);
        }

        Endpoints = endpoints;
        Random = random;
        _slowStart = slowStart;
        _warming = slowStart is not null && _youngest != SlowStart.AlwaysThere;
    }

    /// <summary>The list picked from; not to be changed.</summary>
    private protected TEndpoint[] Endpoints { get; }

    private protected bool HasEqualWeights { get; } = true;

    private protected int MaxWeight { get; }

    private protected Random Random { get; }

    /// <summary>
    /// An endpoint to send to; none only where the list is empty. <paramref name="key"/> is what a consistent hash goes by.
    /// <paramref name="anyOut"/> false: nobody is out, and no endpoint is asked.
    /// </summary>
    public Picked<TEndpoint> Pick(in ExcludedEndpoints excluded, ulong? key, bool anyOut)
    {
        if (anyOut || excluded.Count > 0)
        {
            return PickAmongSome(in excluded, key, anyOut);
        }

        return Endpoints.Length switch
        {
            0 => default,
            1 => new Picked<TEndpoint>(Endpoints[0], false),
            _ => new Picked<TEndpoint>(PickWarm(default, isRetry: false, key), false),
        };
    }

    /// <summary>
    /// At least two endpoints, those of <paramref name="among"/>: indices into the list, ascending; empty: all.
    /// <paramref name="isRetry"/>: tried ones have been left out.
    /// </summary>
    private protected abstract TEndpoint PickOne(ReadOnlySpan<int> among, bool isRetry, ulong? key);

    /// <summary>An endpoint that is out, has not been tried, and lets this request through.</summary>
    private protected virtual TEndpoint? FindProbe(in ExcludedEndpoints excluded, ulong? key)
    {
        foreach (var endpoint in Endpoints)
        {
            if (endpoint.IsOut && !excluded.Contains(endpoint) && endpoint.TryProbe())
            {
                return endpoint;
            }
        }

        return null;
    }

    /// <summary>How many there are to choose from.</summary>
    private protected int Count(ReadOnlySpan<int> among) => among.IsEmpty ? Endpoints.Length : among.Length;

    /// <summary>The one of that rank among them.</summary>
    private protected TEndpoint At(int rank, ReadOnlySpan<int> among) => Endpoints[among.IsEmpty ? rank : among[rank]];

    /// <summary>A rank, with probability by weight.</summary>
    private protected int DrawByWeight(ReadOnlySpan<int> among) => HasEqualWeights ? Random.Next(Count(among)) : DrawByRejection(among);

    /// <summary>The weight, less while the endpoint is new.</summary>
    private protected double WeightOf(TEndpoint endpoint, long now) =>
        _warming ? endpoint.Weight * _slowStart!.Share(endpoint.JoinedAt, now) : endpoint.Weight;

    /// <summary>A uniform one, kept with probability weight / heaviest.</summary>
    private int DrawByRejection(ReadOnlySpan<int> among)
    {
        var count = Count(among);
        var rank = Random.Next(count);

        // Expected rounds: heaviest / mean weight. The bound is for lists of one giant and many dwarfs.
        for (var round = 0; round < 64 && Random.Next(MaxWeight) >= At(rank, among).Weight; round++)
        {
            rank = Random.Next(count);
        }

        return rank;
    }

    // Apart, so that requests that meet no trouble don't pay for the room on the stack.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Picked<TEndpoint> PickAmongSome(in ExcludedEndpoints excluded, ulong? key, bool anyOut)
    {
        if (anyOut && FindProbe(in excluded, key) is { } probe)
        {
            return new Picked<TEndpoint>(probe, true);
        }

        if (Endpoints.Length <= 1)
        {
            return new Picked<TEndpoint>(Endpoints.Length == 0 ? null : Endpoints[0], false);
        }

        var rented = Endpoints.Length > MaxOnStack ? ArrayPool<int>.Shared.Rent(Endpoints.Length) : null;
        var room = rented is null ? stackalloc int[MaxOnStack] : rented;
        var among = Candidates(room, in excluded, anyOut, out var isRetry);
        var picked = among.Length == 1 ? Endpoints[among[0]] : PickWarm(among, isRetry, key);
        if (rented is not null)
        {
            ArrayPool<int>.Shared.Return(rented);
        }

        return new Picked<TEndpoint>(picked, false);
    }

    /// <summary>
    /// 1. Who is not out; all, where all are. 2. Of those, who has not been tried; where all have, none is worse than the others.
    /// Each is asked once whether it is out: it may change its mind meanwhile.
    /// </summary>
    private Span<int> Candidates(Span<int> room, in ExcludedEndpoints excluded, bool anyOut, out bool isRetry)
    {
        // 1.
        var usable = 0;
        for (var i = 0; i < Endpoints.Length; i++)
        {
            if (!anyOut || !Endpoints[i].IsOut)
            {
                room[usable++] = i;
            }
        }

        for (var i = 0; usable == 0 && i < Endpoints.Length; i++)
        {
            room[i] = i;
        }

        usable = usable == 0 ? Endpoints.Length : usable;

        // 2. Overwrites only what has been looked at; nothing, where all have been tried.
        var untried = 0;
        for (var i = 0; i < usable; i++)
        {
            if (!excluded.Contains(Endpoints[room[i]]))
            {
                room[untried++] = room[i];
            }
        }

        isRetry = untried > 0 && untried < usable;
        return room[..(untried == 0 ? usable : untried)];
    }

    private TEndpoint PickWarm(ReadOnlySpan<int> among, bool isRetry, ulong? key)
    {
        var picked = PickOne(among, isRetry, key);
        return _warming ? Thin(picked, among, key) : picked;
    }

    /// <summary>Rejection sampling, with the share of the warmest for a certainty: at most ten rounds, on average.</summary>
    private TEndpoint Thin(TEndpoint picked, ReadOnlySpan<int> among, ulong? key)
    {
        var now = _slowStart!.Time.GetTimestamp();
        var share = _slowStart.Share(picked.JoinedAt, now);
        if (share >= 1)
        {
            _warming = _slowStart.Share(_youngest, now) < 1;
            return picked;
        }

        var most = share;
        for (var rank = 0; rank < Count(among); rank++)
        {
            most = Math.Max(most, _slowStart.Share(At(rank, among).JoinedAt, now));
        }

        for (var round = 0; round < 64 && Random.NextDouble() * most >= share; round++)
        {
            picked = PickOne(among, isRetry: true, key);
            share = _slowStart.Share(picked.JoinedAt, now);
        }

        return picked;
    }
}
