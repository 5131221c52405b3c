using System.Security.Cryptography;
using MeshLite.ControlPlane.Sources;
using MeshLite.Protocol.Pki;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Identity;

/// <summary>
/// The join-token keys of the data directory, as they are: looked at for each token (a stat of two files), read again when they have changed. What cannot be read
/// leaves the keys known in force. Thread-safe.
/// </summary>
internal sealed class JoinTokenKeyStore
{
    private readonly string _directory;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private volatile Loaded _loaded;

    /// <summary>Reads them, or makes the first; throws what <see cref="JoinTokenKeys.LoadOrCreate"/> throws.</summary>
    public JoinTokenKeyStore(string dataDirectory, ILogger logger)
    {
        (_directory, _logger) = (dataDirectory, logger);
        // The stamps after the first key was made, yet before it is read: a change in between is seen twice rather than never.
        JoinTokenKey.LoadOrCreate(dataDirectory).Dispose();
        var stamps = Stamps();
        _loaded = new Loaded(JoinTokenKeys.LoadOrCreate(dataDirectory), stamps);
    }

    /// <summary>In force now.</summary>
    public JoinTokenKeys Current
    {
        get
        {
            var stamps = Stamps();
            return _loaded is var loaded && loaded.Stamps == stamps ? loaded.Keys : Reload(stamps);
        }
    }

    private JoinTokenKeys Reload((FileStamp? Signing, FileStamp? Retiring) stamps)
    {
        lock (_lock)
        {
            if (_loaded.Stamps == stamps)
            {
                return _loaded.Keys;
            }

            var keys = _loaded.Keys;
            try
            {
                // Not made anew: a key that is gone is a mistake, and those who have tokens would pay for it.
                keys = stamps.Signing is null ? throw new FileNotFoundException($"{JoinTokenKey.FileName} is gone") : JoinTokenKeys.LoadOrCreate(_directory);
                IdentityLog.TokenKeysChanged(_logger, keys.SigningId, keys.Retiring.Length);
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or CryptographicException)
            {
                IdentityLog.TokenKeysUnreadable(_logger, problem.Message);
            }

            // The old ones are not disposed: a verification may be under way.
            _loaded = new Loaded(keys, stamps);
            return keys;
        }
    }

    private (FileStamp? Signing, FileStamp? Retiring) Stamps() =>
        (FileStamp.Of(Path.Combine(_directory, JoinTokenKey.FileName)), FileStamp.Of(Path.Combine(_directory, JoinTokenKeys.RetiringFile)));

    private sealed record Loaded(JoinTokenKeys Keys, (FileStamp? Signing, FileStamp? Retiring) Stamps);
}
