using System.Globalization;

namespace MeshLite.Sidecar.Resilience.Retry;

/// <summary>
/// The <c>Retry-After</c> response header (RFC 9110 §10.2.3): seconds, or a date in any of the three forms a recipient
/// must take (§5.6.7). Pure.
/// </summary>
internal static class RetryAfter
{
    /// <value>What longer waits are taken for. 1 day: longer than any deadline, and safe to add to a time.</value>
    public static readonly TimeSpan Max = TimeSpan.FromDays(1);

    /// <summary>
    /// Reads the wait that <paramref name="value"/> asks for at <paramref name="now"/>; 0 where the date has passed. False
    /// for anything that is neither form.
    /// </summary>
    public static bool TryParse(string? value, DateTimeOffset now, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        var text = value.AsSpan().Trim(" \t");
        if (text.IsEmpty)
        {
            return false;
        }

        if (!text.ContainsAnyExceptInRange('0', '9'))
        {
            // More digits than a long has are absurd, not malformed.
            wait = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds < Max.TotalSeconds
                ? TimeSpan.FromSeconds(seconds)
                : Max;
            return true;
        }

        if (!TryParseDate(text, now, out var date))
        {
            return false;
        }

        wait = date <= now ? TimeSpan.Zero : date - now < Max ? date - now : Max;
        return true;
    }

    private static bool TryParseDate(ReadOnlySpan<char> text, DateTimeOffset now, out DateTimeOffset date)
    {
        // The day's name says nothing that the date does not.
        var name = text.IndexOfAny(',', ' ');
        var rest = name < 3 ? default : text[(name + 1)..].TrimStart(' ');
        if (Exact(rest, "dd MMM yyyy HH':'mm':'ss 'GMT'", out date) || Exact(rest, "MMM d HH':'mm':'ss yyyy", out date))
        {
            return true;
        }

        if (!Exact(rest, "dd'-'MMM'-'yy HH':'mm':'ss 'GMT'", out date))
        {
            return false;
        }

        // Two digits of a year mean the one that is at most 50 years ahead.
        var years = (now.Year + 50 - date.Year) / 100.0;
        date = date.AddYears(100 * (int)Math.Floor(years));
        return true;
    }

    private static bool Exact(ReadOnlySpan<char> text, string format, out DateTimeOffset date) => DateTimeOffset.TryParseExact(
        text, format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowInnerWhite, out date);
}
