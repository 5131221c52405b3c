using System.Globalization;

namespace MeshLite.Shop;

/// <summary>
/// How long a request's caller still waits: what it said, less what this application has taken, in the syntax of
/// <c>grpc-timeout</c> (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). As gRPC's own clients do it.
/// </summary>
public static class CallerPatience
{
    internal const string Header = "meshlite-timeout";

    private static readonly object Arrival = new();

    /// <summary>Notes when the request came.</summary>
    public static void Begin(HttpContext context, TimeProvider time) => context.Items[Arrival] = time.GetTimestamp();

    /// <summary>What a call made now may say; null: the caller said nothing, or nothing this understands.</summary>
    public static string? Left(HttpContext context, TimeProvider time)
    {
        var said = context.Request.Headers[Header].ToString();
        if (said.Length < 2 || !long.TryParse(said[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var value) || context.Items[Arrival] is not long arrival)
        {
            return null;
        }

        TimeSpan? waits = said[^1] switch
        {
            'H' => TimeSpan.FromHours(value),
            'M' => TimeSpan.FromMinutes(value),
            'S' => TimeSpan.FromSeconds(value),
            'm' => TimeSpan.FromMilliseconds(value),
            'u' => TimeSpan.FromMicroseconds(value),
            'n' => TimeSpan.FromTicks(value / 100),
            _ => null,
        };
        return waits is { } all
            ? string.Create(CultureInfo.InvariantCulture, $"{Math.Clamp((long)(all - time.GetElapsedTime(arrival)).TotalMilliseconds, 0, 99_999_999)}m")
            : null;
    }
}
