using System.Text;
using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Http2.Hpack;

/// <summary>A field's name that is met often.</summary>
/// <param name="StaticIndex">The first in the static table with this name; 0: none.</param>
/// <param name="IsSecret">Its values may be guessed at by somebody who sees the lengths of blocks: never to be indexed (RFC 7541 §7.1.3).</param>
internal sealed record KnownName(string Name, int StaticIndex, bool IsSecret);

/// <summary>
/// Names that are one string each however often they are read: those of the static table, the mesh's own and others met often. Found without allocation: an open
/// hash table over length, first, middle and last letter.
/// </summary>
internal static class KnownNames
{
    private const int Slots = 512;

    private static readonly string[] Frequent =
    [
        ":protocol", "access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods", "access-control-expose-headers",
        "access-control-max-age", "access-control-request-headers", "access-control-request-method", "alt-svc", "b3", "baggage", "cf-ray", "connection",
        "content-security-policy", "dnt", "forwarded", "grpc-accept-encoding", "grpc-encoding", "grpc-message", "grpc-status", "grpc-status-details-bin", "grpc-timeout",
        "keep-alive", "origin", "permissions-policy", "pragma", "priority", "proxy-connection", "referrer-policy", "sec-ch-ua", "sec-ch-ua-mobile",
        "sec-ch-ua-platform", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user", "sec-websocket-accept", "sec-websocket-extensions",
        "sec-websocket-key", "sec-websocket-protocol", "sec-websocket-version", "server-timing", "te", "timing-allow-origin", "traceparent", "tracestate", "trailer",
        "upgrade", "upgrade-insecure-requests", "x-b3-flags", "x-b3-parentspanid", "x-b3-sampled", "x-b3-spanid", "x-b3-traceid", "x-content-type-options",
        "x-correlation-id", "x-envoy-attempt-count", "x-envoy-decorator-operation", "x-envoy-upstream-service-time", "x-forwarded-for", "x-forwarded-host",
        "x-forwarded-port", "x-forwarded-proto", "x-frame-options", "x-powered-by", "x-real-ip", "x-request-id", "x-requested-with", "x-xss-protection",
        MeshHeaders.Error, MeshHeaders.Undelivered, MeshHeaders.ClientId, MeshHeaders.Protocol, MeshHeaders.Source, MeshHeaders.Timeout, MeshHeaders.RetryBudget,
    ];

    private static readonly KnownName?[] Table = Build();

    /// <summary>The name in exactly these letters; null: not known.</summary>
    public static string? Find(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty)
        {
            return null;
        }

        var slot = Slot(name.Length, name[0], name[name.Length / 2], name[^1]);
        while (Table[slot] is { } known)
        {
            if (Ascii.Equals(name, known.Name))
            {
                return known.Name;
            }

            slot = (slot + 1) % Slots;
        }

        return null;
    }

    /// <summary>The name, whatever the case of its letters; null: not known.</summary>
    public static KnownName? Find(string name)
    {
        if (name.Length == 0)
        {
            return null;
        }

        var slot = Slot(name.Length, name[0], name[name.Length / 2], name[^1]);
        while (Table[slot] is { } known)
        {
            if (Ascii.EqualsIgnoreCase(name, known.Name))
            {
                return known;
            }

            slot = (slot + 1) % Slots;
        }

        return null;
    }

    // One bit is all the cases of a letter differ by.
    private static int Slot(int length, int first, int middle, int last)
    {
        var hash = (uint)(length | ((first | 0x20) << 8) | ((middle | 0x20) << 16)) ^ (uint)((last | 0x20) << 24);
        return (int)((hash * 0x9E3779B1) >> 23) % Slots;
    }

    private static KnownName?[] Build()
    {
        var table = new KnownName?[Slots];
        for (var index = 1; index <= StaticTable.Count; index++)
        {
            var name = StaticTable.At(index).Name;
            if (index == 1 || name != StaticTable.At(index - 1).Name)
            {
                Add(new KnownName(name, index, name is "authorization" or "proxy-authorization" or "cookie" or "set-cookie"));
            }
        }

        foreach (var name in Frequent)
        {
            Add(new KnownName(name, 0, IsSecret: false));
        }

        return table;

        void Add(KnownName known)
        {
            var slot = Slot(known.Name.Length, known.Name[0], known.Name[known.Name.Length / 2], known.Name[^1]);
            while (table[slot] is not null)
            {
                slot = (slot + 1) % Slots;
            }

            table[slot] = known;
        }
    }
}
