namespace MeshLite.Metrics;

/// <summary>Addition to a double by compare-and-exchange.</summary>
internal static class InterlockedDouble
{
    /// <summary>Adds; false: somebody else got in between at least once (the addition has happened all the same).</summary>
    public static bool Add(ref double target, double amount)
    {
        var current = Volatile.Read(ref target);
        var seen = Interlocked.CompareExchange(ref target, current + amount, current);
        if (Same(seen, current))
        {
            return true;
        }

        do
        {
            current = seen;
            seen = Interlocked.CompareExchange(ref target, current + amount, current);
        }
        while (!Same(seen, current));
        return false;
    }

    // By bits: NaN equals itself, else the loop would never end.
    private static bool Same(double a, double b) => BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b);
}
