namespace MeshLite.Sidecar;

/// <summary>
/// The one place that names <see cref="Random.Shared"/>: thread-safe, one xoshiro generator per thread, a few
/// nanoseconds a number. The composition root hands it to whoever takes a <see cref="Random"/>; tests hand in a seeded one.
/// Not for secrets.
/// </summary>
internal static class SharedRandom
{
#pragma warning disable RS0030 // This is the wrapper.
    public static Random Instance => Random.Shared;
#pragma warning restore RS0030
}
