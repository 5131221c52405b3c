namespace MeshLite.Kubernetes.Connection;

/// <summary>The bearer token to show. Thread-safe.</summary>
internal abstract class TokenSource
{
    /// <summary>The token as it should be now; null: none.</summary>
    public abstract string? Current { get; }

    /// <summary>The server refused it: look again. Whether there is another one now.</summary>
    public virtual bool Refresh(string? refused) => false;
}

/// <summary>A token that never changes.</summary>
internal sealed class FixedToken(string? token) : TokenSource
{
    public override string? Current => token;
}

/// <summary>
/// A token in a file that the kubelet (or whoever) replaces before it expires. Looked at again when a look is 30 s old, and when the server refuses it.
/// While the file cannot be read, the last token goes on.
/// </summary>
internal sealed class TokenFile(string path, TimeProvider time) : TokenSource
{
    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private string? _token;
    private long _read;

    public override string? Current
    {
        get
        {
            lock (_lock)
            {
                if (_token is null || time.GetElapsedTime(_read) >= GoodFor)
                {
                    Read_NeedsLock();
                }

                return _token;
            }
        }
    }

    public override bool Refresh(string? refused)
    {
        lock (_lock)
        {
            Read_NeedsLock();
            return _token != refused;
        }
    }

    private void Read_NeedsLock()
    {
        try
        {
            var text = File.ReadAllText(path).Trim();
            _token = text.Length > 0 ? text : _token;
            _read = time.GetTimestamp();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (_token is null)
            {
                throw new HttpRequestException($"the token for the API server cannot be read: {error.Message}", error);
            }
        }
    }
}
