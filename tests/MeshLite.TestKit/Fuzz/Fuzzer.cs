using System.Globalization;
using System.Text;

namespace MeshLite.TestKit.Fuzz;

/// <summary>
/// Runs a parser on mutations of seeds, which are files of <c>Fuzz/seeds/&lt;target&gt;/</c> beside the test program: each seed as it is, then a fixed number of
/// mutations from a fixed random seed, so that a run of the suite always does the same. With <c>FUZZ_MINUTES</c> in the environment
/// it goes on for so long, from another random seed each time. What fails a target is reported whole, to be kept as one more seed. A seed's name that
/// ends in <c>.hex</c>: hexadecimal, spaces and line ends between. One thread.
/// </summary>
public sealed class Fuzzer
{
    /// <value>Of one run in the suite: a second or two on a slow machine. 4,000.</value>
    private const int DefaultIterations = 4_000;

    /// <value>Bytes a parser may allocate for an input without bytes. 256 KiB: what it makes once, and reports of errors.</value>
    private const long BaseAllocation = 256 * 1024;

    private readonly string _target;
    private readonly byte[][] _seeds;
    private readonly byte[][] _words;

    /// <summary>A target with its seeds. <paramref name="words"/>: what its language is made of, put in here and there.</summary>
    public Fuzzer(string target, params string[] words)
    {
        _target = target;
        _words = [.. words.Select(Encoding.UTF8.GetBytes)];
        var directory = Path.Combine(AppContext.BaseDirectory, "Fuzz", "seeds", target);
        _seeds = [.. Directory.GetFiles(directory).Order(StringComparer.Ordinal).Select(Read)];
        if (_seeds.Length == 0)
        {
            throw new InvalidOperationException($"no seeds in {directory}");
        }
    }

    /// <summary>Mutations of one run in the suite.</summary>
    public int Iterations { get; init; } = DefaultIterations;

    /// <summary>Bytes a parser may allocate for each byte of input. <value>Default 400.</value></summary>
    public int AllocationPerByte { get; init; } = 400;

    /// <summary>
    /// Whether the target hands work to the thread pool, whose queue grows on the thread that does while other tests keep the pool busy. An input that took too much is
    /// tried twice more: what it costs itself, it costs again. <value>Default false.</value>
    /// </summary>
    public bool UsesThreadPool { get; init; }

    /// <summary>Runs <paramref name="property"/> on text; see <see cref="Run(Action{byte[]})"/>.</summary>
    public void Run(Action<string> property, Encoding? encoding = null) => Run(bytes => property((encoding ?? Encoding.UTF8).GetString(bytes)));

    /// <summary>
    /// Runs <paramref name="property"/>, which throws where the parser does what it must not. Throws <see cref="FuzzException"/> with the input. Whatever else a
    /// parser may throw is the property's to catch.
    /// </summary>
    public void Run(Action<byte[]> property)
    {
        // The first call pays for what is made once.
        Try(property, _seeds[0], long.MaxValue);
        foreach (var seed in _seeds)
        {
            Try(property, seed, Allowed(seed));
        }

        if (double.TryParse(Environment.GetEnvironmentVariable("FUZZ_MINUTES"), CultureInfo.InvariantCulture, out var minutes))
        {
            var started = TimeProvider.System.GetTimestamp();
            var random = new Random();
            long count = 0;
            for (; TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromMinutes(minutes); count++)
            {
                Step(property, random);
            }

            Console.Error.WriteLine($"fuzz {_target}: {count:N0} inputs");
            return;
        }

        var fixedRandom = new Random(1);
        for (var i = 0; i < Iterations; i++)
        {
            Step(property, fixedRandom);
        }
    }

    private void Step(Action<byte[]> property, Random random)
    {
        var input = Mutation.Of(_seeds, _words, random);
        Try(property, input, Allowed(input));
    }

    private long Allowed(byte[] input) => BaseAllocation + ((long)AllocationPerByte * input.Length);

    private void Try(Action<byte[]> property, byte[] input, long allowed)
    {
        var allocated = Measure(property, input);
        for (var again = 0; UsesThreadPool && allocated > allowed && again < 2; again++)
        {
            allocated = Math.Min(allocated, Measure(property, input));
        }

        if (allocated > allowed)
        {
            throw new FuzzException(_target, input, new InvalidOperationException($"it allocated {allocated:N0} bytes for {input.Length:N0} of input"));
        }
    }

    private long Measure(Action<byte[]> property, byte[] input)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            property(input);
        }
        catch (Exception e)
        {
            throw new FuzzException(_target, input, e);
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static byte[] Read(string path) => path.EndsWith(".hex", StringComparison.Ordinal)
        ? Convert.FromHexString(string.Concat(File.ReadAllText(path).Where(char.IsAsciiHexDigit)))
        : File.ReadAllBytes(path);
}

/// <summary>An input that breaks its target, as text and whole as hexadecimal.</summary>
public sealed class FuzzException(string target, byte[] input, Exception inner)
    : Exception($"fuzz target {target}: {inner.GetType().Name}: {inner.Message}\ntext: {Encoding.Latin1.GetString(input)}\nhex: {Convert.ToHexString(input)}", inner);
