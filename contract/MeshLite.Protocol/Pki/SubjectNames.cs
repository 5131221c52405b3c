using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;

namespace MeshLite.Protocol.Pki;

/// <summary>
/// Reads the SPIFFE ID out of a certificate's subjectAltName. Done on the DER because
/// <see cref="X509SubjectAlternativeNameExtension"/> enumerates DNS names and addresses only.
/// </summary>
public static class SubjectNames
{
    // GeneralName ::= CHOICE { ..., uniformResourceIdentifier [6] IA5String, ... } (RFC 5280 §4.2.1.6)
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);

    /// <summary>
    /// The certificate's SPIFFE ID, or null: X509-SVID §2 and §5.2 want exactly one URI SAN. Other kinds of names may
    /// stand beside it. Says nothing about who signed: call it on verified certificates only.
    /// </summary>
    public static SpiffeId? ReadSpiffeId(X509Certificate2 certificate)
    {
        X509Extension? names = null;
        foreach (var extension in certificate.Extensions)
        {
            if (extension.Oid?.Value != SvidProfile.SubjectAltName)
            {
                continue;
            }

            if (names is not null)
            {
                return null; // RFC 5280 §4.2: an extension appears at most once
            }

            names = extension;
        }

        return names is not null && TryReadUri(names.RawData, out var uri) && SpiffeId.TryParse(uri, out var id) ? id : null;
    }

    /// <summary>The one URI among the GeneralNames of a subjectAltName, in strict DER; false where there is none, or several.</summary>
    internal static bool TryReadUri(ReadOnlyMemory<byte> der, out string? uri)
    {
        uri = null;
        try
        {
            var reader = new AsnReader(der, AsnEncodingRules.DER);
            var names = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            while (names.HasData)
            {
                if (!names.PeekTag().HasSameClassAndValue(UriTag))
                {
                    names.ReadEncodedValue();
                }
                else if (uri is null)
                {
                    uri = names.ReadCharacterString(UniversalTagNumber.IA5String, UriTag);
                }
                else
                {
                    return false;
                }
            }

            return uri is not null;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }
}
