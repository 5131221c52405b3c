using System.Globalization;

namespace MeshLite.Protocol.Grpc;

/// <summary>The <c>grpc-timeout</c> header: at most 8 digits and a unit, H M S m u n (PROTOCOL-HTTP2.md). Pure.</summary>
public static class GrpcTimeout
{
    private const long MaxValue = 99_999_999;
    private const long NanosecondsPerTick = 100;

    /// <summary>The finest unit that fits, rounded up: a deadline is never made shorter than asked for, but for one of more than 11,000 years.</summary>
    public static string Format(TimeSpan timeout)
    {
        var ticks = Math.Max(0, timeout.Ticks);
        if (ticks * (decimal)NanosecondsPerTick <= MaxValue)
        {
            return $"{ticks * NanosecondsPerTick}n";
        }

        ReadOnlySpan<(long Ticks, char Unit)> units =
        [
            (TimeSpan.TicksPerMicrosecond, 'u'), (TimeSpan.TicksPerMillisecond, 'm'), (TimeSpan.TicksPerSecond, 'S'), (TimeSpan.TicksPerMinute, 'M'),
        ];
        foreach (var (unitTicks, unit) in units)
        {
            var value = DivideUp(ticks, unitTicks);
            if (value <= MaxValue)
            {
                return $"{value}{unit}";
            }
        }

        return $"{Math.Min(MaxValue, DivideUp(ticks, TimeSpan.TicksPerHour))}H";
    }

    /// <summary>False for anything but 1 to 8 ASCII digits and a unit.</summary>
    public static bool TryParse(string? value, out TimeSpan timeout)
    {
        timeout = default;
        if (value is not { Length: >= 2 and <= 9 }
            || !long.TryParse(value.AsSpan(0, value.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        // 99999999 hours are 3.6e18 ticks: no unit overflows.
        var ticks = value[^1] switch
        {
            'H' => number * TimeSpan.TicksPerHour,
            'M' => number * TimeSpan.TicksPerMinute,
            'S' => number * TimeSpan.TicksPerSecond,
            'm' => number * TimeSpan.TicksPerMillisecond,
            'u' => number * TimeSpan.TicksPerMicrosecond,
            'n' => DivideUp(number, NanosecondsPerTick),
            _ => -1,
        };
        timeout = TimeSpan.FromTicks(Math.Max(0, ticks));
        return ticks >= 0;
    }

    private static long DivideUp(long value, long by) => (value / by) + (value % by == 0 ? 0 : 1);
}
