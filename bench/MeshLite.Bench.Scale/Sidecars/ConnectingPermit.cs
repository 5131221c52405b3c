namespace MeshLite.Bench.Scale.Sidecars;

/// <summary>A place among those that connect, given back once. Used by one task.</summary>
internal sealed class ConnectingPermit : IDisposable
{
    private SemaphoreSlim? _places;

    private ConnectingPermit(SemaphoreSlim places) => _places = places;

    /// <summary>Waits for one.</summary>
    public static async Task<ConnectingPermit> TakeAsync(SemaphoreSlim places, CancellationToken cancellationToken)
    {
        await places.WaitAsync(cancellationToken);
        return new ConnectingPermit(places);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _places?.Release();
        _places = null;
    }
}
