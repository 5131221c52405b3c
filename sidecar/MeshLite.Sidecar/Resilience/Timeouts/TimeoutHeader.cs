using System.Globalization;
using MeshLite.Protocol.Grpc;
using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Resilience.Timeouts;

/// <summary>
/// How a deadline travels: <c>grpc-timeout</c>, and <c>meshlite-timeout</c> in the same syntax
/// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Timeout": 1 to 8 digits and one of H M S m u n). Both
/// ways it rounds down, unlike <see cref="GrpcTimeout"/>, which serves a caller of its own: here no hop may lengthen what the
/// one before it allowed. Pure.
/// </summary>
internal static class TimeoutHeader
{
    private const long MaxValue = 99_999_999;
    private const long NanosecondsPerTick = 100;

    /// <summary>
    /// False for a malformed value, to be ignored: the header is accepted from anyone because it can only shorten what the
    /// rules allow, so without it those hold.
    /// </summary>
    public static bool TryParse(string? value, out TimeSpan timeout)
    {
        if (!GrpcTimeout.TryParse(value, out timeout))
        {
            return false;
        }

        // Nanoseconds came rounded up to ticks.
        if (value is [.., 'n'] && timeout > TimeSpan.Zero && !value.EndsWith("00n", StringComparison.Ordinal))
        {
            timeout -= TimeSpan.FromTicks(1);
        }

        return true;
    }

    /// <summary>Writes it into a request that is about to be sent, in place of what was there.</summary>
    public static void Set(HttpRequestMessage request, bool isGrpc, TimeSpan remaining)
    {
        var name = isGrpc ? MeshHeaders.GrpcTimeout : MeshHeaders.Timeout;
        if (request.Headers.NonValidated.Contains(name))
        {
            request.Headers.Remove(name); // an earlier attempt's, or the caller's
        }

        request.Headers.TryAddWithoutValidation(name, Format(remaining));
    }

    /// <summary>What is left, in the finest unit that fits; below 0 it is 0. One allocation: the string.</summary>
    public static string Format(TimeSpan remaining)
    {
        var ticks = Math.Max(0, remaining.Ticks);
        var (value, unit) = ticks switch
        {
            <= MaxValue / NanosecondsPerTick => (ticks * NanosecondsPerTick, 'n'),
            < (MaxValue + 1) * TimeSpan.TicksPerMicrosecond => (ticks / TimeSpan.TicksPerMicrosecond, 'u'),
            < (MaxValue + 1) * TimeSpan.TicksPerMillisecond => (ticks / TimeSpan.TicksPerMillisecond, 'm'),
            < (MaxValue + 1) * TimeSpan.TicksPerSecond => (ticks / TimeSpan.TicksPerSecond, 'S'),
            < (MaxValue + 1) * TimeSpan.TicksPerMinute => (ticks / TimeSpan.TicksPerMinute, 'M'),
            _ => (Math.Min(MaxValue, ticks / TimeSpan.TicksPerHour), 'H'),
        };

        Span<char> text = stackalloc char[9];
        value.TryFormat(text, out var length, default, CultureInfo.InvariantCulture);
        text[length] = unit;
        return new string(text[..(length + 1)]);
    }
}
