using MeshLite.ControlPlane.Sources;
using MeshLite.ControlPlane.Status;
using MeshLite.Hosting;
using MeshLite.Protocol.Pki;

namespace MeshLite.ControlPlane.Identity.Rotation;

/// <summary>
/// The authority in the data directory: <c>ca.key</c> and <c>ca.pem</c> are the offer, <c>authority.json</c> (0600) the record. A watcher wakes, a look every
/// <see cref="PollInterval"/> finds what it misses. The record is written first and says that files follow, so that whatever ends in between is finished by the next read.
/// </summary>
internal sealed class AuthorityFiles(string dataDirectory, TimeProvider time) : IAuthorityStore, IDisposable
{
    /// <summary>Name of the record.</summary>
    public const string RecordFile = "authority.json";

    /// <value>How often the files are looked at without being told. 1 s.</value>
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    /// <value>Key and certificate are two files: how long they are left alone after a change. 100 ms.</value>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(100);

    private readonly Wakeup _wakeup = new();
    private FileSystemWatcher? _watcher;
    private (FileStamp?, FileStamp?, FileStamp?) _seen;

    /// <inheritdoc/>
    public string Origin => dataDirectory;

    private string KeyPath => Path.Combine(dataDirectory, CertificateAuthority.KeyFile);

    private string CertificatePath => Path.Combine(dataDirectory, CertificateAuthority.CertificateFile);

    private string RecordPath => Path.Combine(dataDirectory, RecordFile);

    /// <summary>What is in force as the process starts: what is recorded, else what is there, else made. Throws <see cref="StartupException"/> with the reason there is none.</summary>
    public static AuthorityInForce LoadOrCreate(string dataDirectory, TimeProvider time)
    {
        var path = Path.Combine(dataDirectory, RecordFile);
        try
        {
            if (File.Exists(path))
            {
                return AuthorityInForce.From(AuthorityJson.Read(File.ReadAllText(path), path), path, time);
            }
        }
        catch (StartupException)
        {
            // What is recorded has expired: what is there may be its successor, or says why not.
        }
        catch (Exception problem) when (problem is AuthorityStoreException or IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"{problem.Message}; without {path} the control plane starts with ca.key and ca.pem alone", inner: problem);
        }

        return AuthorityInForce.Of(CertificateAuthority.LoadOrCreate(dataDirectory, time));
    }

    /// <inheritdoc/>
    public ValueTask<StoredAuthority> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            _seen = Stamps();
            var text = File.Exists(RecordPath) ? File.ReadAllText(RecordPath) : "";
            var record = text.Length == 0 ? null : AuthorityJson.Read(text, RecordPath);
            if (record is { IsMirrorDue: true })
            {
                (record, text) = Write(record);
            }

            var offer = File.Exists(KeyPath) && File.Exists(CertificatePath)
                ? new AuthorityOffer(File.ReadAllText(KeyPath), KeyPath, File.ReadAllText(CertificatePath), CertificatePath)
                : null;
            return ValueTask.FromResult(new StoredAuthority(offer, record, text));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new AuthorityStoreException(problem.Message, problem);
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> TrySaveAsync(StoredAuthority read, AuthorityRecord next, CancellationToken cancellationToken)
    {
        try
        {
            if ((File.Exists(RecordPath) ? File.ReadAllText(RecordPath) : "") != (string)read.Version)
            {
                return ValueTask.FromResult(false);
            }

            SecretFile.Replace(RecordPath, AuthorityJson.Write(next));
            if (next.IsMirrorDue)
            {
                Write(next);
            }

            return ValueTask.FromResult(true);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new AuthorityStoreException(problem.Message, problem);
        }
    }

    /// <inheritdoc/>
    public async Task WaitAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        var seen = _seen; // by the look before: operators read meanwhile
        _watcher ??= TryWatch();
        var begin = time.GetTimestamp();
        // One reading of the clock for both: no time left is no time to wait.
        while (longest - time.GetElapsedTime(begin) is var left && left > TimeSpan.Zero && Stamps() == seen)
        {
            using var poll = new CancellationTokenSource(left < PollInterval ? left : PollInterval, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(poll.Token, cancellationToken);
            try
            {
                await _wakeup.WaitAsync(either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // Time for a look.
            }
        }

        if (Stamps() != seen)
        {
            await Task.Delay(Settle, time, cancellationToken);
        }
    }

    /// <summary>Always: sidecars that start are given <c>ca.pem</c>.</summary>
    public bool Mirrors(RotationOrigin origin) => true;

    /// <inheritdoc/>
    public string? ForeignOwner(StoredAuthority read) => null;

    /// <inheritdoc/>
    public void Dispose() => _watcher?.Dispose();

    private (AuthorityRecord Record, string Text) Write(AuthorityRecord due)
    {
        var mirror = due.Mirror;
        SecretFile.Replace(CertificatePath, mirror.Certificates);
        SecretFile.Replace(KeyPath, mirror.Key);
        var done = due with { IsMirrorDue = false };
        var text = AuthorityJson.Write(done);
        SecretFile.Replace(RecordPath, text);
        return (done, text);
    }

    private (FileStamp?, FileStamp?, FileStamp?) Stamps() => (FileStamp.Of(KeyPath), FileStamp.Of(CertificatePath), FileStamp.Of(RecordPath));

    private FileSystemWatcher? TryWatch()
    {
        FileSystemWatcher? watcher = null;
        try
        {
            watcher = new FileSystemWatcher(dataDirectory) { NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.Size };
            watcher.Changed += (_, _) => _wakeup.Set();
            watcher.Created += (_, _) => _wakeup.Set();
            watcher.Renamed += (_, _) => _wakeup.Set();
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // The look does it alone.
            watcher?.Dispose();
            return null;
        }
    }
}
