using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace MeshLite.Model;

/// <summary>
/// Durations as the Gateway API writes them (GEP-2257, <c>https://gateway-api.sigs.k8s.io/geps/gep-2257/</c>):
/// <c>^([0-9]{1,5}(h|m|s|ms)){1,4}$</c>, the parts added up, in any order: <c>1h30m</c>, <c>250ms</c>, <c>0s</c>. Pure.
/// </summary>
public static class GatewayDuration
{
    private const int MaxParts = 4;
    private const int MaxDigits = 5;

    /// <summary>Parses the form above; nothing else (no sign, no fraction, no spaces, no bare number).</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        var rest = text.AsSpan();
        var sum = TimeSpan.Zero;
        for (var parts = 0; rest.Length > 0; parts++)
        {
            var digits = rest.IndexOfAnyExceptInRange('0', '9');
            if (parts == MaxParts || digits is < 1 or > MaxDigits)
            {
                return false;
            }

            var number = int.Parse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture);
            rest = rest[digits..];
            if (!TryTakeUnit(ref rest, out var unit))
            {
                return false;
            }

            sum += number * unit;
        }

        duration = sum;
        return true;
    }

    /// <summary>The shortest such text; finer than a millisecond is cut off.</summary>
    public static string Format(TimeSpan duration)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.Zero);
        var text = new StringBuilder();
        Append((long)duration.TotalHours, "h");
        Append(duration.Minutes, "m");
        Append(duration.Seconds, "s");
        Append(duration.Milliseconds, "ms");
        return text.Length == 0 ? "0s" : text.ToString();

        void Append(long count, string unit)
        {
            if (count > 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"{count}{unit}");
            }
        }
    }

    private static bool TryTakeUnit(ref ReadOnlySpan<char> rest, out TimeSpan unit)
    {
        (unit, var length) = rest switch
        {
            ['m', 's', ..] => (TimeSpan.FromMilliseconds(1), 2),
            ['h', ..] => (TimeSpan.FromHours(1), 1),
            ['m', ..] => (TimeSpan.FromMinutes(1), 1),
            ['s', ..] => (TimeSpan.FromSeconds(1), 1),
            _ => (TimeSpan.Zero, 0),
        };
        rest = rest[length..];
        return length > 0;
    }
}
